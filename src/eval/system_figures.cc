// SPDX-License-Identifier: Apache-2.0
// Means, and the bootstrap around them.
#include "eval/system_figures.h"

#include <utility>

namespace kinglet {

double MeanWhere(Indices some, const std::function<bool(std::size_t)>& counts,
                 const std::function<double(std::size_t)>& value) {
  double of = 0;
  double sum = 0;
  for (const std::size_t i : some) {
    if (!counts(i)) continue;
    of += 1;
    sum += value(i);
  }
  return of == 0 ? kNoFigure : sum / of;
}

double Mean(Indices some, const std::function<double(std::size_t)>& value) {
  return MeanWhere(some, [](std::size_t) { return true; }, value);
}

double Share(Indices some, const std::function<bool(std::size_t)>& counts,
             const std::function<bool(std::size_t)>& holds) {
  return MeanWhere(some, counts, [&](std::size_t i) { return holds(i) ? 1.0 : 0.0; });
}

void SystemFigures::Add(const char* name, const std::function<double(Indices)>& figure) {
  Put(name, clusters_.EstimateFigure(figure));
}

void SystemFigures::AddError(const char* name, const std::function<double(Indices)>& figure) {
  Put(name, Reflected(clusters_.EstimateFigure(figure)));
}

void SystemFigures::Put(const char* name, const Estimate& estimate) {
  figures_[name] = estimate.mean;
  intervals_[name] = {estimate.low, estimate.high};
}

json::object SystemFigures::Finish() && {
  figures_["ci95"] = std::move(intervals_);
  return std::move(figures_);
}

}  // namespace kinglet
