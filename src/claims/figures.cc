// SPDX-License-Identifier: Apache-2.0
// The one place where a share becomes points.
#include "claims/figures.h"

#include <cmath>
#include <utility>

namespace kinglet {
namespace {

constexpr double kPoints = 100;  // of a whole

}  // namespace

Figure Plain(const Estimate& estimate, std::string unit) {
  return {.value = estimate.mean,
          .interval = std::pair(estimate.low, estimate.high),
          .unit = std::move(unit)};
}

Figure Points(const Estimate& estimate) {
  return Plain({.mean = kPoints * estimate.mean,
                .low = kPoints * estimate.low,
                .high = kPoints * estimate.high},
               "points");
}

std::string ShowEstimate(const Estimate& estimate) { return ShowFigure(Plain(estimate)); }

PlotPoint Bar(std::string label, const Estimate& estimate) {
  PlotPoint point{.label = std::move(label), .y = estimate.mean};
  const bool has_ends = std::isfinite(estimate.low) && std::isfinite(estimate.high);
  if (has_ends) point.interval = {estimate.low, estimate.high};
  return point;
}

}  // namespace kinglet
