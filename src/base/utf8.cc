// SPDX-License-Identifier: Apache-2.0
// The well-formed byte sequences of The Unicode Standard, table 3-7.
#include "base/utf8.h"

#include <algorithm>
#include <cstring>

namespace kinglet {
namespace {

struct LeadByte {
  std::uint8_t size_bytes;       // of the character; 0: no lead byte
  std::uint8_t second_at_least;  // the second byte is narrower after E0, ED, F0 and F4:
  std::uint8_t second_at_most;   // no overlong forms, no surrogates, nothing past U+10FFFF
};

LeadByte ReadLeadByte(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Character DecodeUtf8(std::string_view text) {
  constexpr char32_t kReplacement = 0xFFFD;
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, Utf8State::kValid};
  const LeadByte form = ReadLeadByte(lead);
  if (form.size_bytes == 0) return {kReplacement, 1, Utf8State::kInvalid};
  char32_t code_point = lead & (0xFFU >> (form.size_bytes + 1U));
  for (std::uint8_t i = 1; i < form.size_bytes; ++i) {
    if (i == text.size()) return {kReplacement, i, Utf8State::kUnfinished};
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned at_least = i == 1 ? form.second_at_least : 0x80U;
    const unsigned at_most = i == 1 ? form.second_at_most : 0xBFU;
    if (byte < at_least || byte > at_most) return {kReplacement, i, Utf8State::kInvalid};
    code_point = (code_point << 6U) | (byte & 0x3FU);
  }
  return {code_point, form.size_bytes, Utf8State::kValid};
}

void AppendUtf8(char32_t code_point, std::string& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0U | (code_point >> 6U));
    put(0x80U | (code_point & 0x3FU));
  } else if (code_point < 0x10000) {
    put(0xE0U | (code_point >> 12U));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  } else {
    put(0xF0U | (code_point >> 18U));
    put(0x80U | ((code_point >> 12U) & 0x3FU));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  }
}

std::size_t ValidUtf8Prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const Utf8Character character = DecodeUtf8(text.substr(at));
    if (character.state != Utf8State::kValid) break;
    at += character.size_bytes;
  }
  return at;
}

bool IsUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

std::string_view Utf8Beginning(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && IsUtf8Continuation(text[end])) --end;
  return text.substr(0, end);
}

std::size_t CountUtf8(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !IsUtf8Continuation(c); }));
}

}  // namespace kinglet
