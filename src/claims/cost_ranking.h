// SPDX-License-Identifier: Apache-2.0
// Claim d: what a useful reply costs puts systems in another order than the FLOPs that they take.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "claims/asked_questions.h"
#include "claims/finding.h"
#include "claims/setup.h"
#include "eval/cluster_bootstrap.h"

namespace kinglet {

// What a system made of each question, and what that took.
struct CostedReplies {
  std::string name;
  std::vector<double> useful;    // 1: a right answer, or rightly none; else 0
  std::vector<double> answered;  // 1: a right answer of an answerable question, had none abstained
  std::vector<double> machine_ms, joules, flops;
};

// Without FLOPs.
CostedReplies CostsOf(std::string name, std::span<const GroundingOutcome> outcomes,
                      const GivenAnswers& answers);

// What a useful reply takes, for a table: machine s, and money where prices are set.
std::string ShowSeconds(const CostedReplies& system, const Clusters& clusters);
std::string ShowCost(const CostedReplies& system, const Prices& prices);

Finding StateRanking();
Result<void> TestRanking(const ClaimSetup& setup, Finding& finding);

// Of the same questions, of which the clusters are.
void JudgeRanking(std::span<const CostedReplies> systems, const Clusters& clusters,
                  const Prices& prices, Finding& finding);

// Pairs that stand one way round by one cost and the other way by another; ties do not.
std::size_t CountSwaps(std::span<const double> one, std::span<const double> other);

}  // namespace kinglet
