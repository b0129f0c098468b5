// SPDX-License-Identifier: Apache-2.0
// All systems are judged on the same samples.
#include "eval/system_figures.h"

#include <cstdint>
#include <utility>

#include "eval/retrieval_metrics.h"

namespace kinglet {
namespace {

constexpr std::uint64_t kSeed = 1;  // of the intervals

}  // namespace

void SystemFigures::Add(const char* name, const std::function<double(Indices)>& figure) {
  const Estimate estimate = EstimateFigure(count_, kSeed, figure);
  figures_[name] = estimate.mean;
  intervals_[name] = {estimate.low, estimate.high};
}

json::object SystemFigures::Finish() && {
  figures_["ci95"] = std::move(intervals_);
  return std::move(figures_);
}

}  // namespace kinglet
