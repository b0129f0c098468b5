// SPDX-License-Identifier: Apache-2.0
// An end to thinking: after so many tokens of a thought its end is written in the model's place.
#pragma once

#include <deque>
#include <optional>
#include <string_view>

#include "text/reasoning.h"
#include "text/tokenizer.h"

namespace kinglet {

class ReasoningBudget {
 public:
  // begun: the prompt ends within a thought.
  ReasoningBudget(int tokens, bool begun, const Tokenizer& tokenizer);

  // The token that is to be written next, whatever the model would; nothing: the model's own.
  std::optional<TokenId> Forced();
  // Text of a token that was written.
  void Saw(std::string_view text);

 private:
  int left_;
  ReasoningSplitter splitter_;
  std::deque<TokenId> end_;  // what ends a thought
  bool forces_ = false;
};

}  // namespace kinglet
