// SPDX-License-Identifier: Apache-2.0
// ASCII is told by hand, the rest by ICU's properties of characters.
#include "knowledge/plain_words.h"

#include <unicode/uchar.h>

#include "base/utf8.h"

namespace kinglet {
namespace {

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

Character CharacterAt(std::string_view text) {
  const char byte = text.front();
  if (static_cast<unsigned char>(byte) < 0x80) {
    const bool is_capital = byte >= 'A' && byte <= 'Z';
    const bool is_other = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
    const char lower = is_capital ? static_cast<char>(byte - 'A' + 'a') : byte;
    return {static_cast<char32_t>(lower), 1, is_capital || is_other, false};
  }
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
    const Character character = CharacterAt(text_.substr(next_));
    if (!word_.empty() && (!character.in_word || character.is_word)) break;
    if (word_.empty()) range_.begin = next_;
    next_ += character.size_bytes;
    if (!character.in_word) continue;
    range_.end = next_;
    if (character.lower < 0x80) {
      word_ += static_cast<char>(character.lower);
    } else {
      AppendUtf8(character.lower, word_);
    }
    if (character.is_word) break;
  }
  return !word_.empty();
}

}  // namespace kinglet
