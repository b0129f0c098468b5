// SPDX-License-Identifier: Apache-2.0
// Which token comes next: penalties, filters and a draw, all of them repeatable.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "text/language_model.h"

namespace kinglet {

// Logits that are not numbers are taken as impossible, infinite ones as very great: no weights can
// make it fail.
class Sampler {
 public:
  Sampler(const SamplingOptions& options, std::size_t vocab_size);

  // history: prompt and answer so far; penalties look at its last kPenaltyWindow tokens.
  // allowed: as ConstraintCursor::Allowed() has it, at least one; empty: all.
  TokenId Choose(std::span<const float> logits, std::span<const TokenId> history,
                 std::span<const std::uint64_t> allowed = {});

  static constexpr std::size_t kPenaltyWindow = 64;

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };

  // The logits with penalties and biases, where there are any.
  std::span<const float> Adjust(std::span<const float> logits, std::span<const TokenId> history);
  void Penalise(std::span<const TokenId> history);
  // Candidates, the likeliest first: the top k, or all.
  void Collect(std::span<const float> logits, std::span<const std::uint64_t> allowed);
  void KeepTopPAndMinP();
  TokenId Draw();

  SamplingOptions options_;
  std::uint64_t draws_ = 0;
  std::vector<float> adjusted_;        // [vocab_size], where logits are adjusted
  std::vector<Candidate> candidates_;  // what the filters left
  std::vector<double> weights_;        // of the candidates, scratch
};

// The `count` greatest, the greatest first, equal ones by id.
std::vector<std::pair<TokenId, float>> TopLogits(std::span<const float> logits, std::size_t count);

// log of the sum of e^logit, over those that are numbers.
double LogSumExp(std::span<const float> logits);

// log p of a token, natural, given LogSumExp of all. Finite even where the logits are not.
float Logprob(float logit, double log_sum_exp);

}  // namespace kinglet
