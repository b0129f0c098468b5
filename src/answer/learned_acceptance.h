// SPDX-License-Identifier: Apache-2.0
// From which confidence a small model's answer should be taken, as the ledger's answers tell it.
// Each was given by one model alone: what the other's would have been worth is foretold by how that
// one's answers fare at such a confidence.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/status.h"
#include "ledger/ledger.h"
#include "router/cascade.h"

namespace kinglet {

// Judged answers of either model, below which nothing is learned.
inline constexpr std::size_t kLeastJudged = 50;

struct LearnedAcceptance {
  std::size_t of_first = 0, of_next = 0;  // judged answers that it rests on
  std::size_t thumbs = 0;                 // of both, by a person
  CascadeOutlook outlook;                 // at the threshold; its cost in money, or else machine ms
  double next_right = 0;                  // of the larger model alone
  bool in_money = false;
};

// steps: of one first model. kNotFound: there are too few of either model, or all were judged
// alike; kUsage: a cost is asked for where answers have no price.
Result<LearnedAcceptance> LearnAcceptance(std::span<const JudgedStep> steps,
                                          const CascadeGoal& goal);

}  // namespace kinglet
