// SPDX-License-Identifier: Apache-2.0
// Means, and the bootstrap around them.
#include "eval/system_figures.h"

#include <utility>

#include "eval/retrieval_metrics.h"

namespace kinglet {
namespace {

constexpr std::uint64_t kSeed = 1;  // of the intervals

}  // namespace

double MeanWhere(Indices some, const std::function<bool(std::size_t)>& counts,
                 const std::function<double(std::size_t)>& value) {
  double of = 0;
  double sum = 0;
  for (const std::size_t i : some) {
    if (!counts(i)) continue;
    of += 1;
    sum += value(i);
  }
  return of == 0 ? 0 : sum / of;
}

double Mean(Indices some, const std::function<double(std::size_t)>& value) {
  return MeanWhere(some, [](std::size_t) { return true; }, value);
}

double Share(Indices some, const std::function<bool(std::size_t)>& counts,
             const std::function<bool(std::size_t)>& holds) {
  return MeanWhere(some, counts, [&](std::size_t i) { return holds(i) ? 1.0 : 0.0; });
}

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
