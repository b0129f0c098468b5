// SPDX-License-Identifier: Apache-2.0
// ASCII is told by hand, the rest by ICU's properties of characters.
#include "text/plain_words.h"

#include <array>

#include <unicode/uchar.h>

#include "base/utf8.h"

namespace kinglet {
namespace {

// In lower case; zero for what is in no word.
constexpr auto kAsciiLower = [] {
  std::array<char, 0x80> lower{};
  for (char c = '0'; c <= '9'; ++c) lower[static_cast<std::size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) {
    const auto at = static_cast<std::size_t>(c);
    lower[at] = c;
    lower[at - ('a' - 'A')] = c;
  }
  return lower;
}();

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

struct Character {
  char32_t lower = 0;
  std::size_t size_bytes = 1;
  bool in_word = false;
  bool is_word = false;  // by itself
};

bool IsWrittenWithoutSpaces(char32_t c) {
  return (c >= 0x0E00 && c < 0x0F00) || (c >= 0x1000 && c < 0x10A0) ||
         (c >= 0x1780 && c < 0x1800) || (c >= 0x2E80 && c < 0xA000) ||
         (c >= 0xF900 && c < 0xFB00) || c >= 0x20000;
}

// Of one that is not ASCII.
Character CharacterAt(std::string_view text) {
  const Utf8Character read = DecodeUtf8(text);
  const auto code_point = static_cast<UChar32>(read.code_point);
  const bool in_word =
      read.state == Utf8State::kValid &&
      (u_isalnum(code_point) != 0 || (U_GET_GC_MASK(code_point) & U_GC_M_MASK) != 0);
  return {static_cast<char32_t>(u_tolower(code_point)), read.size_bytes, in_word,
          in_word && IsWrittenWithoutSpaces(read.code_point)};
}

}  // namespace

bool PlainWords::Next() {
  word_.clear();
  while (next_ < text_.size()) {
    const std::size_t begin = next_;
    while (next_ < text_.size() && IsAscii(text_[next_])) {
      const char lower = kAsciiLower[static_cast<std::size_t>(text_[next_])];
      if (lower == 0) break;
      word_ += lower;
      ++next_;
    }
    if (next_ > begin) {
      if (word_.size() == next_ - begin) range_.begin = begin;
      range_.end = next_;
      continue;
    }
    if (IsAscii(text_[next_])) {
      if (!word_.empty()) break;
      ++next_;
      continue;
    }
    const Character character = CharacterAt(text_.substr(next_));
    if (!word_.empty() && (!character.in_word || character.is_word)) break;
    if (word_.empty()) range_.begin = next_;
    next_ += character.size_bytes;
    if (!character.in_word) continue;
    range_.end = next_;
    AppendUtf8(character.lower, word_);
    if (character.is_word) break;
  }
  return !word_.empty();
}

}  // namespace kinglet
