// SPDX-License-Identifier: Apache-2.0
// Character by character: which stay, which are escaped.
#include "base/display.h"

#include <iterator>

#include <fmt/format.h>

#include "base/utf8.h"

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

}  // namespace

std::string EscapeForDisplay(std::string_view text, Lines lines) {
  std::string shown;
  shown.reserve(text.size());
  const auto escape_byte = [&](char byte) {
    fmt::format_to(std::back_inserter(shown), "\\x{:02X}", static_cast<unsigned char>(byte));
  };
  while (!text.empty()) {
    const Utf8Character character = DecodeUtf8(text);
    const std::string_view bytes = text.substr(0, character.size_bytes);
    text.remove_prefix(bytes.size());
    if (character.state != Utf8State::kValid) {
      for (const char byte : bytes) escape_byte(byte);
    } else if (!IsUnsafe(character.code_point) ||
               (lines == Lines::kKeep && (bytes == "\n" || bytes == "\t"))) {
      shown.append(bytes);
    } else if (bytes.size() == 1) {
      escape_byte(bytes[0]);
    } else {
      fmt::format_to(std::back_inserter(shown), "\\u{{{:04X}}}",
                     static_cast<std::uint32_t>(character.code_point));
    }
  }
  return shown;
}

std::string EscapeMarkup(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string EscapeForHtml(std::string_view text) {
  std::string escaped;
  for (const char c : EscapeMarkup(EscapeForDisplay(text))) {
    if (c == '"') {
      escaped += "&quot;";
    } else if (c == '\'') {
      escaped += "&#39;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Quoted(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return '"' + EscapeForDisplay(text) + '"';
  return '"' + EscapeForDisplay(Utf8Beginning(text, max_bytes)) + "...\"";
}

}  // namespace kinglet
