// SPDX-License-Identifier: Apache-2.0
// UTF-8 by the table of well-formed sequences (Unicode 15, table 3-7).
#include "base/display.h"

#include <algorithm>

#include <fmt/format.h>

namespace kinglet {
namespace {

// What moves the cursor, ends a line, or turns what stands around it.
bool IsUnsafe(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) ||        // C0, DEL, C1
         c == 0x061c || c == 0x200e || c == 0x200f ||  // bidirectional marks
         (c >= 0x2028 && c <= 0x202e) ||               // separators, embeddings, overrides
         (c >= 0x2066 && c <= 0x2069) ||               // isolates
         c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

// The code point and length of the character whose first byte promises `bytes` bytes.
Utf8Character Sequence(std::string_view text, std::size_t bytes, unsigned char second_min,
                       unsigned char second_max) {
  constexpr unsigned char kLeadBits[] = {0, 0, 0x1f, 0x0f, 0x07};
  if (text.size() < bytes) return {};
  char32_t code_point = static_cast<unsigned char>(text[0]) & kLeadBits[bytes];
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const unsigned char min = i == 1 ? second_min : 0x80;
    const unsigned char max = i == 1 ? second_max : 0xbf;
    if (c < min || c > max) return {};
    code_point = code_point << 6 | (c & 0x3f);
  }
  return {.code_point = code_point, .bytes = bytes, .valid = true};
}

}  // namespace

Utf8Character FirstUtf8Character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {.code_point = lead, .bytes = 1, .valid = true};
  if (lead < 0xc2) return {};  // a continuation, or an overlong form
  if (lead < 0xe0) return Sequence(text, 2, 0x80, 0xbf);
  if (lead == 0xe0) return Sequence(text, 3, 0xa0, 0xbf);
  if (lead == 0xed) return Sequence(text, 3, 0x80, 0x9f);  // no surrogates
  if (lead < 0xf0) return Sequence(text, 3, 0x80, 0xbf);
  if (lead == 0xf0) return Sequence(text, 4, 0x90, 0xbf);
  if (lead < 0xf4) return Sequence(text, 4, 0x80, 0xbf);
  if (lead == 0xf4) return Sequence(text, 4, 0x80, 0x8f);
  return {};
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character character = FirstUtf8Character(text);
    if (!character.valid) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

std::string EscapeForDisplay(std::string_view text, Lines lines) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = FirstUtf8Character(text);
    const bool line_layout = text[0] == '\n' || text[0] == '\t';
    if (!character.valid || (character.code_point < 0x80 && IsUnsafe(character.code_point) &&
                             !(lines == Lines::kKeep && line_layout))) {
      fmt::format_to(std::back_inserter(shown), "\\x{:02X}", static_cast<unsigned char>(text[0]));
    } else if (character.code_point >= 0x80 && IsUnsafe(character.code_point)) {
      fmt::format_to(std::back_inserter(shown), "\\u{{{:04X}}}",
                     static_cast<std::uint32_t>(character.code_point));
    } else {
      shown.append(text.substr(0, character.bytes));
    }
    text.remove_prefix(character.bytes);
  }
  return shown;
}

std::string Quoted(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return '"' + EscapeForDisplay(text) + '"';
  std::size_t end = max_bytes;  // not within a character
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return '"' + EscapeForDisplay(text.substr(0, end)) + "...\"";
}

}  // namespace kinglet
