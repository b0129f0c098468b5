// SPDX-License-Identifier: Apache-2.0
// A regression for each model: how likely its answer is useful where the first one is so sure.
#include "answer/learned_acceptance.h"

#include <algorithm>
#include <vector>

#include "answer/confidence.h"

namespace kinglet {
namespace {

ConfidenceFeatures FeaturesAt(double confidence) { return {confidence}; }

// One model's judged answers.
struct Judged {
  std::vector<ConfidenceFeatures> features;
  std::vector<bool> useful;
  double cost = 0;  // all of them together

  std::size_t size() const { return useful.size(); }
  double mean_cost() const { return cost / static_cast<double>(useful.size()); }
};

bool AreAlike(const Judged& judged) {
  return std::ranges::adjacent_find(judged.useful, std::ranges::not_equal_to()) ==
         judged.useful.end();
}

}  // namespace

Result<LearnedAcceptance> LearnAcceptance(std::span<const JudgedStep> steps,
                                          const CascadeGoal& goal) {
  LearnedAcceptance learned{.in_money = std::ranges::all_of(steps, [&](const JudgedStep& step) {
                              return step.cost && step.currency == steps.front().currency;
                            })};
  if (goal.max_cost && !learned.in_money) {
    return Error(StatusCode::kUsage,
                 "not all answers have a price in one currency: see docs/ledger.md");
  }
  Judged first;
  Judged next;
  for (const JudgedStep& step : steps) {
    Judged& judged = step.model == step.first_model ? first : next;
    judged.features.push_back(FeaturesAt(step.confidence));
    judged.useful.push_back(step.useful);
    judged.cost += learned.in_money ? step.cost.value_or(0) : step.machine_ms;
    if (step.has_thumb) ++learned.thumbs;
  }
  learned.of_first = first.size();
  learned.of_next = next.size();
  if (first.size() < kLeastJudged || next.size() < kLeastJudged) {
    return Error(StatusCode::kNotFound,
                 "{} judged answers of the first model and {} of the larger one: it takes {} of "
                 "each",
                 first.size(), next.size(), kLeastJudged);
  }
  if (AreAlike(first)) {
    return Error(StatusCode::kNotFound,
                 "the first model's answers were all judged alike: thumbs tell more");
  }
  const LogisticModel small = FitLogistic(first.features, first.useful);
  const LogisticModel large = FitLogistic(next.features, next.useful);
  const double small_cost = first.mean_cost();
  const double large_cost = std::max(0.0, next.mean_cost() - small_cost);
  std::vector<CascadeRow> rows;
  for (const JudgedStep& step : steps) {
    const ConfidenceFeatures at = FeaturesAt(step.confidence);
    rows.push_back({.confidence = step.confidence,
                    .small_right = small.Probability(at),
                    .large_right = large.Probability(at),
                    .small_cost = small_cost,
                    .large_cost = large_cost});
    learned.next_right += rows.back().large_right;
  }
  learned.next_right /= static_cast<double>(rows.size());
  learned.outlook = OutlookOf(rows, FindAcceptance(rows, goal));
  return learned;
}

}  // namespace kinglet
