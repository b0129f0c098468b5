// SPDX-License-Identifier: Apache-2.0
// Figures of one system that is compared with others, each with its interval.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/json.h"

namespace kinglet {

using Indices = std::span<const std::size_t>;  // of some of what was measured

class SystemFigures {
 public:
  explicit SystemFigures(std::size_t count) : count_(count) {}  // of what was measured

  // Of all, and its 95 % interval by the bootstrap.
  void Add(const char* name, const std::function<double(Indices)>& figure);

  // {NAME: figure, ..., "ci95": {NAME: [low, high], ...}}
  json::object Finish() &&;

 private:
  std::size_t count_;
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
