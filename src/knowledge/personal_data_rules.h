// SPDX-License-Identifier: Apache-2.0
// What the rules of personal_data.h share: where they look, and what stands before it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_range.h"

namespace kinglet {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool IsInWord(char c) { return IsDigit(c) || IsLetter(c) || c == '_'; }

// Zero beyond the text, at either end: no rule asks for that byte.
inline char ByteAt(std::string_view text, std::size_t at) {
  return at < text.size() ? text[at] : '\0';
}
inline char ByteBefore(std::string_view text, std::size_t at, std::size_t back = 1) {
  return at >= back ? text[at - back] : '\0';
}

// What stands behind a number that is part of something longer: "1.5", "12-a", "1234@x".
bool GoesOn(std::string_view text, std::size_t end);

// Whether one of the two words before it on its line is one of these, which are sorted and in
// lower case.
bool HasWordBefore(std::string_view text, std::size_t at, std::span<const std::string_view> words);

// Where a number that begins here ends; unset: it is no phone number.
std::optional<std::size_t> EndOfPhone(std::string_view text, std::size_t begin);

}  // namespace kinglet
