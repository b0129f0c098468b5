// SPDX-License-Identifier: Apache-2.0
// All by sorting once.
#include "eval/confidence_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "eval/retrieval_metrics.h"

namespace kinglet {
namespace {

// Indices by value, the least first.
std::vector<std::size_t> Sorted(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  return order;
}

// Calls of(begin, end) for each run of equal values in the order.
template <typename Of>
void ForEachTie(std::span<const double> values, std::span<const std::size_t> order, Of of) {
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    of(begin, end);
    begin = end;
  }
}

}  // namespace

double Auroc(std::span<const double> scores, const std::vector<bool>& is_true) {
  KINGLET_CHECK(scores.size() == is_true.size(), "{} and {}", scores.size(), is_true.size());
  const std::vector<std::size_t> order = Sorted(scores);
  double won = 0;
  double false_before = 0;
  const auto all = static_cast<double>(scores.size());
  const auto true_count = static_cast<double>(std::ranges::count(is_true, true));
  const double pairs = true_count * (all - true_count);
  ForEachTie(scores, order, [&](std::size_t begin, std::size_t end) {
    double trues = 0;
    for (std::size_t i = begin; i < end; ++i) trues += is_true[order[i]] ? 1 : 0;
    const double falses = static_cast<double>(end - begin) - trues;
    won += trues * (false_before + falses / 2);
    false_before += falses;
  });
  return pairs > 0 ? won / pairs : kNoFigure;
}

double Aurc(std::span<const double> confidences, std::span<const double> risks) {
  KINGLET_CHECK(confidences.size() == risks.size(), "{} and {}", confidences.size(), risks.size());
  if (risks.empty()) return 0;
  std::vector<std::size_t> order = Sorted(confidences);
  std::ranges::reverse(order);
  double area = 0;
  double total = 0;  // risk of the more confident
  ForEachTie(confidences, order, [&](std::size_t begin, std::size_t end) {
    double of_tie = 0;
    for (std::size_t i = begin; i < end; ++i) of_tie += risks[order[i]];
    const double each = of_tie / static_cast<double>(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      total += each;
      area += total / static_cast<double>(i + 1);
    }
  });
  return area / static_cast<double>(risks.size());
}

std::array<CalibrationBin, 10> CalibrationBins(std::span<const double> probabilities,
                                               const std::vector<bool>& is_true) {
  std::array<CalibrationBin, 10> bins;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double at = std::clamp(probabilities[i], 0.0, 1.0) * static_cast<double>(bins.size());
    CalibrationBin& bin = bins[std::min(static_cast<std::size_t>(at), bins.size() - 1)];
    ++bin.count;
    bin.probability += probabilities[i];
    bin.truth += is_true[i] ? 1 : 0;
  }
  return bins;
}

double CalibrationError(std::span<const double> probabilities, const std::vector<bool>& is_true) {
  double error = 0;
  for (const CalibrationBin& bin : CalibrationBins(probabilities, is_true)) {
    error += std::abs(bin.probability - bin.truth);
  }
  return probabilities.empty() ? 0 : error / static_cast<double>(probabilities.size());
}

}  // namespace kinglet
