// SPDX-License-Identifier: Apache-2.0
// Which tokens may come next, guessed: those that came last time, where prompt or answer read as
// the end of the answer does now (prompt lookup, Saxena 2023). What quotes its prompt, or repeats
// itself, is guessed well; a guess that is checked in one step with the token before it costs
// little, for a step waits for the weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace kinglet {

class PromptLookup {
 public:
  // tokenizer must outlive it.
  explicit PromptLookup(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // At most so many tokens, of which none ends a text; none where no such place is found. tokens:
  // prompt and answer, the longer the later the call. A capital letter or a blank before a word
  // makes no other word of it.
  std::span<const TokenId> Guess(std::span<const TokenId> tokens, std::size_t prompt_tokens,
                                 std::size_t most);
  // How many tokens of the last guess were right.
  void Learn(std::size_t right);
  // That a guessed token is right where those before it were, by the latest guesses; never quite
  // nothing: what does not guess does not learn.
  double accuracy() const { return accuracy_; }

  static constexpr std::size_t kMostGuessed = 8;

 private:
  std::uint32_t KeyOf(TokenId token) const;

  const Tokenizer& tokenizer_;
  std::vector<std::uint32_t> keys_;  // of the tokens so far
  std::vector<TokenId> guess_;
  double accuracy_ = 0.5;
};

}  // namespace kinglet
