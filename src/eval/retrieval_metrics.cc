// SPDX-License-Identifier: Apache-2.0
// The formulas as they stand in the header.
#include "eval/retrieval_metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

namespace kinglet {
namespace {

constexpr int kSamples = 2000;

double DiscountedGain(std::span<const double> gains, std::size_t depth) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(depth, gains.size()); ++i) {
    sum += gains[i] / std::log2(static_cast<double>(i) + 2);
  }
  return sum;
}

}  // namespace

double Ndcg(std::span<const double> gains, std::vector<double> relevant, std::size_t depth) {
  std::ranges::sort(relevant, std::greater());
  const double ideal = DiscountedGain(relevant, depth);
  return ideal > 0 ? DiscountedGain(gains, depth) / ideal : 0;
}

double Recall(std::span<const double> gains, std::size_t relevant_count, std::size_t depth) {
  if (relevant_count == 0) return 0;
  const auto first = gains.first(std::min(depth, gains.size()));
  const auto found = std::ranges::count_if(first, [](double gain) { return gain > 0; });
  return static_cast<double>(found) / static_cast<double>(relevant_count);
}

double ReciprocalRank(std::span<const double> gains, std::size_t depth) {
  for (std::size_t i = 0; i < std::min(depth, gains.size()); ++i) {
    if (gains[i] > 0) return 1 / (static_cast<double>(i) + 1);
  }
  return 0;
}

Estimate EstimateOfSamples(double figure, std::vector<double> samples) {
  std::erase_if(samples, [](double sample) { return std::isnan(sample); });
  if (samples.empty()) return {.mean = figure, .low = kNoFigure, .high = kNoFigure};
  std::ranges::sort(samples);
  const std::size_t beyond = samples.size() / 40;  // 2.5 % on either side
  return {.mean = figure, .low = samples[beyond], .high = samples[samples.size() - 1 - beyond]};
}

Estimate EstimateOfOne(double figure) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {.mean = figure, .low = -kInfinity, .high = kInfinity};
}

Estimate EstimateFigure(std::size_t count, std::uint64_t seed,
                        const std::function<double(std::span<const std::size_t>)>& figure) {
  if (count == 0) return {};
  std::vector<std::size_t> indices(count);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  const double of_all = figure(indices);
  if (count == 1) return EstimateOfOne(of_all);
  std::mt19937_64 draw(seed);
  std::vector<double> samples;
  for (int i = 0; i < kSamples; ++i) {
    for (std::size_t& index : indices) index = draw() % count;
    samples.push_back(figure(indices));
  }
  return EstimateOfSamples(of_all, std::move(samples));
}

Estimate Reflected(const Estimate& estimate) {
  const auto reflect = [&](double end) { return std::max(0.0, 2 * estimate.mean - end); };
  return {.mean = estimate.mean,
          .low = std::min(reflect(estimate.high), estimate.mean),
          .high = std::max(reflect(estimate.low), estimate.mean)};
}

Estimate EstimateMean(std::span<const double> values, std::uint64_t seed) {
  return EstimateFigure(values.size(), seed, [values](std::span<const std::size_t> some) {
    double sum = 0;
    for (const std::size_t i : some) sum += values[i];
    return sum / static_cast<double>(some.size());
  });
}

}  // namespace kinglet
