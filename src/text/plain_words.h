// SPDX-License-Identifier: Apache-2.0
// Words of a text by a rule that costs next to nothing, for what looks at every document or
// question. What the index of a library holds is told by knowledge/word_stems.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/byte_range.h"

namespace kinglet {

// Runs of letters, digits and their marks, in lower case. A character of a script that is written
// without spaces (Chinese, Japanese, Thai, Khmer, Burmese) is a word. Never stops inside a
// character; a byte that is not UTF-8 is a break.
class PlainWords {
 public:
  explicit PlainWords(std::string_view utf8) : text_(utf8) {}

  bool Next();  // false: there is no other word

  const std::string& word() const { return word_; }
  ByteRange range() const { return range_; }  // of the text

 private:
  std::string_view text_;
  std::size_t next_ = 0;
  std::string word_;
  ByteRange range_;
};

}  // namespace kinglet
