// SPDX-License-Identifier: Apache-2.0
// Whether two short answers say the same, by the rule of SQuAD 2.0's scorer (Rajpurkar et al.
// 2018): case, punctuation of ASCII, English articles and white space do not count.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet {

// The words that count. Text is UTF-8.
std::vector<std::string> AnswerWords(std::string_view text);

struct AnswerScore {
  double exact = 0;  // 0 or 1
  double f1 = 0;     // of the words that both hold
};

// How much of each of two texts is in the other, by words that count, each as often as it stands.
struct WordOverlap {
  double precision = 0;  // the share of the text's words
  double recall = 0;     // the share of the gold text's words
  double f1 = 0;
};
WordOverlap CompareWords(std::string_view text, std::string_view gold);

// Against the gold answer that fits best. Without gold answers the right answer is none: an empty
// text.
AnswerScore ScoreAnswer(std::string_view answer, std::span<const std::string> gold);

// Whether the words of a gold answer stand in the text, one after the other.
bool HoldsAnswer(std::string_view text, std::span<const std::string> gold);

}  // namespace kinglet
