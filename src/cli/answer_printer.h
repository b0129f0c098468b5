// SPDX-License-Identifier: Apache-2.0
// Shows an answer as it comes: a quote once it is checked, then what it carries, then the bill.
#pragma once

#include <cstddef>
#include <string>

#include "answer/answer.h"

namespace kinglet {

class AnswerPrinter {
 public:
  explicit AnswerPrinter(bool in_colour) : in_colour_(in_colour) {}

  // Those that are not shown yet.
  void PrintQuotes(const Answer& answer);
  void PrintClaim(const Claim& claim, const Answer& answer);
  // What is left once it is whole. why: what the decision rests on, too.
  void PrintEnd(const Answer& answer, bool why);

 private:
  // The question, where it was written out; a larger model behind may write another one.
  void PrintUnderstood(const Answer& answer);
  void PrintQuote(const Answer& answer, std::size_t i);
  // The quote's text, the words that answer in bold.
  std::string WithSpan(const Answer& answer, std::size_t i) const;

  bool in_colour_;
  std::string understood_;  // the question that is shown
  std::size_t quotes_ = 0;  // that are shown
  bool in_claims_ = false;  // the last that was shown is a claim
};

}  // namespace kinglet
