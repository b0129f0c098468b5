// SPDX-License-Identifier: Apache-2.0
// When a small model's answer is good enough, and when a larger one is asked as well: the
// confidence from which it is taken, learned from questions that both have answered.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kinglet {

// A question, and what both models' answers to it were worth. What is known only by its odds, as
// of an answer that was never given, is between 0 and 1.
struct CascadeRow {
  std::string group;      // one judges another's rows by what it has not learned from them
  double confidence = 0;  // 0..1, of the small model's answer
  double small_right = 0;
  double large_right = 0;
  double small_cost = 0;
  double large_cost = 0;  // which comes on top of the small one's
};

struct CascadeGoal {
  // Of right answers, the most that may be lost against the large model alone: a share of all.
  double max_loss = 0;
  // Instead: the mean cost that an answer may have.
  std::optional<double> max_cost;
};

// The small model's answer is taken from this confidence on.
inline constexpr double kAcceptAll = 0;
inline constexpr double kAcceptNone = std::numeric_limits<double>::infinity();

// What would come of the rows: means.
struct CascadeOutlook {
  double accept = kAcceptNone;
  double accepted = 0;  // the share of answers that the small model's are
  double right = 0;
  double loss = 0;  // of right answers against the large model alone
  double cost = 0;
};
CascadeOutlook OutlookOf(std::span<const CascadeRow> rows, double accept);

// Of all thresholds the one that serves the goal best: the cheapest that loses no more, or the one
// with the most right answers that costs no more. Where none does: kAcceptNone, which loses
// nothing, and kAcceptAll, which is the cheapest.
double FindAcceptance(std::span<const CascadeRow> rows, const CascadeGoal& goal);

// For each row, the threshold that the rows of all other groups give; rows without a group, and
// those of the only one, are split into fifths.
std::vector<double> CrossFitAcceptance(std::span<const CascadeRow> rows, const CascadeGoal& goal);

}  // namespace kinglet
