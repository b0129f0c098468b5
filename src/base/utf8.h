// SPDX-License-Identifier: Apache-2.0
// UTF-8 one character at a time, with what is broken told apart from what is merely unfinished.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kinglet {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

enum class Utf8State : std::uint8_t {
  kValid,
  kInvalid,     // no continuation can make these bytes a character
  kUnfinished,  // the text ends inside a character
};

struct Utf8Character {
  char32_t code_point;  // U+FFFD unless valid
  // Bytes taken: of the character; of the maximal part of one that an invalid sequence starts with
  // (Unicode 3.9); or all that is left. At least 1.
  std::uint8_t size_bytes;
  Utf8State state;
};

// Whether a byte is one behind the first of a character of several.
constexpr bool IsUtf8Continuation(char byte) {
  return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80;
}

// The character that a text, which is not empty, starts with.
Utf8Character DecodeUtf8(std::string_view text);

void AppendUtf8(char32_t code_point, std::string& out);

// How many bytes at the start of text are valid UTF-8.
std::size_t ValidUtf8Prefix(std::string_view text);

bool IsUtf8(std::string_view text);

// The beginning of a valid text that has at most so many bytes, and no part of a character.
std::string_view Utf8Beginning(std::string_view text, std::size_t max_bytes);

// Characters of a valid text.
std::size_t CountUtf8(std::string_view text);

}  // namespace kinglet
