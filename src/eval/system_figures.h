// SPDX-License-Identifier: Apache-2.0
// Figures of one system over some questions, each with its interval. All are drawn by one seed, so
// that figures of several systems see the same samples.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/json.h"
#include "eval/cluster_bootstrap.h"

namespace kinglet {

// Of questions.
using Indices = std::span<const std::size_t>;

// NaN of none, as all that follow.
double Mean(Indices some, const std::function<double(std::size_t)>& value);

// The mean of those that count.
double MeanWhere(Indices some, const std::function<bool(std::size_t)>& counts,
                 const std::function<double(std::size_t)>& value);

// The share of those that count which holds, too.
double Share(Indices some, const std::function<bool(std::size_t)>& counts,
             const std::function<bool(std::size_t)>& holds);

class SystemFigures {
 public:
  // clusters: of the questions; they outlive the figures.
  explicit SystemFigures(const Clusters& clusters) : clusters_(clusters) {}

  void Add(const char* name, const std::function<double(Indices)>& figure);
  // One that noise can only raise.
  void AddError(const char* name, const std::function<double(Indices)>& figure);
  // The figures by name, and their intervals as "ci95".
  json::object Finish() &&;

 private:
  void Put(const char* name, const Estimate& estimate);

  const Clusters& clusters_;
  json::object figures_;
  json::object intervals_;
};

template <typename T>
std::vector<T> Pick(const std::vector<T>& values, Indices some) {
  std::vector<T> picked;
  for (const std::size_t i : some) picked.push_back(values[i]);
  return picked;
}

}  // namespace kinglet
