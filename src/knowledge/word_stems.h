// SPDX-License-Identifier: Apache-2.0
// Words of a text as the index knows them: folded, stemmed, with their place in the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet {

struct WordStem {
  std::size_t begin = 0;  // bytes of the text
  std::size_t end = 0;
  std::string stem;        // NFKC, case and accents folded, Snowball's English stem
  bool stop_word = false;  // "the", "is", "how": says nothing about the subject
};

// Words by ICU's word breaks (UAX #29), cut further at "." "_" ":" inside words, since
// "sources.list" should be found by "list". Text without letters, digits or ideographs is no word.
// Text need not be valid UTF-8: an invalid byte is a break.
std::vector<WordStem> StemWords(std::string_view utf8);

}  // namespace kinglet
