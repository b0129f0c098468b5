// SPDX-License-Identifier: Apache-2.0
// Points on a curve, each a running mean; between two of them the curve is a line.
#include "engine/step_cost.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kinglet {
namespace {

// What a step that is observed counts, against all before it.
constexpr double kNews = 0.1;
// A step that took so many times what was foreseen was disturbed: it counts as no more.
constexpr double kMostSurprise = 3;
constexpr double kUnknownMsAToken = 10;
constexpr double kLeastMs = 1e-3;

std::size_t PointOf(std::size_t tokens, std::size_t points) {
  // The nearest power of two, by ratio: 1, 2, 3-5, 6-11 ...
  const std::size_t thirds = tokens * 4 / 3;
  const auto exponent =
      static_cast<std::size_t>(std::bit_width(std::max<std::size_t>(thirds, 1)) - 1);
  return std::min(exponent, points - 1);
}

}  // namespace

double StepCost::Slope() const { return squares_ > 0 ? std::max(0.0, products_ / squares_) : 0; }

double StepCost::CurveMs(double tokens) const {
  // Places and heights of the points that were seen; more tokens never cost less.
  std::array<double, kPoints> places{};
  std::array<double, kPoints> heights{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < kPoints; ++i) {
    if (!points_[i].seen) continue;
    places[count] = std::exp2(static_cast<double>(i));
    heights[count] = std::max(points_[i].ms - Slope() * points_[i].attended, kLeastMs);
    if (count > 0) heights[count] = std::max(heights[count], heights[count - 1]);
    ++count;
  }
  if (count == 0) return kUnknownMsAToken * tokens;
  std::size_t above = 0;
  while (above < count && places[above] < tokens) ++above;
  if (above == 0) return heights[0];
  const std::size_t below = above - 1;
  if (above < count) {
    const double share = (tokens - places[below]) / (places[above] - places[below]);
    return std::lerp(heights[below], heights[above], share);
  }
  // Beyond all points: on as between the last two; from one alone in proportion.
  if (below == 0) return heights[0] * tokens / places[0];
  const double rise = (heights[below] - heights[below - 1]) / (places[below] - places[below - 1]);
  return heights[below] + rise * (tokens - places[below]);
}

double StepCost::PredictMs(const StepWork& work) const {
  return CurveMs(static_cast<double>(work.tokens)) + Slope() * work.attended;
}

std::size_t StepCost::TokensWithin(double budget_ms, const StepWork& others, std::size_t length,
                                   std::size_t most) const {
  const auto fits = [&](std::size_t count) {
    StepWork work = others;
    work += WorkOf(length, count);
    return PredictMs(work) <= budget_ms;
  };
  std::size_t fit = 0;
  std::size_t beyond = most + 1;
  while (beyond - fit > 1) {
    const std::size_t middle = fit + (beyond - fit) / 2;
    (fits(middle) ? fit : beyond) = middle;
  }
  return fit;
}

std::size_t StepCost::TokensWorthGuessing(double token_ms, double probability,
                                          const StepWork& others, std::size_t length,
                                          std::size_t most) const {
  const double without_ms = PredictMs(others);
  std::size_t best = 0;
  double best_ms = 0;
  double chance = 1;  // that all of the first `count` are right
  double right = 0;   // how many are, on average
  for (std::size_t count = 1; count <= most; ++count) {
    chance *= probability;
    right += chance;
    StepWork with = others;
    with += WorkOf(length, count);
    const double saved_ms = right * token_ms - (PredictMs(with) - without_ms);
    if (saved_ms <= best_ms) continue;
    best = count;
    best_ms = saved_ms;
  }
  return best;
}

void StepCost::Observe(const StepWork& work, double ms) {
  if (work.tokens == 0 || !(ms > 0)) return;
  Point& point = points_[PointOf(work.tokens, kPoints)];
  if (!point.seen) {
    point = {ms, work.attended, true};
    return;
  }
  ms = std::min(ms, kMostSurprise * PredictMs(work));
  const double more_attended = work.attended - point.attended;
  products_ = (1 - kNews) * products_ + kNews * more_attended * (ms - point.ms);
  squares_ = (1 - kNews) * squares_ + kNews * more_attended * more_attended;
  point.ms += kNews * (ms - point.ms);
  point.attended += kNews * more_attended;
}

}  // namespace kinglet
