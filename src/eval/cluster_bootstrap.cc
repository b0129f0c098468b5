// SPDX-License-Identifier: Apache-2.0
// A sample needs of a group its sums alone.
#include "eval/cluster_bootstrap.h"

#include <algorithm>
#include <map>

namespace kinglet {
namespace {

constexpr std::uint64_t kSeed = 1;

}  // namespace

Clusters::Clusters(std::span<const std::string> groups) {
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto [at, is_new] = numbers.try_emplace(groups[i], members_.size());
    if (is_new || groups[i].empty()) {
      members_.push_back({i});
    } else {
      members_[at->second].push_back(i);
    }
  }
}

Estimate Clusters::EstimateMean(std::span<const double> values) const {
  const std::vector<std::vector<double>> columns = {{values.begin(), values.end()},
                                                    std::vector<double>(values.size(), 1)};
  return EstimateOfSums(columns, [](std::span<const double> sums) { return sums[0] / sums[1]; });
}

std::vector<double> Clusters::Sums(std::span<const double> values) const {
  std::vector<double> sums;
  for (const std::vector<std::size_t>& members : members_) {
    double& sum = sums.emplace_back(0);
    for (const std::size_t i : members) sum += values[i];
  }
  return sums;
}

Estimate Clusters::EstimateOfSums(
    std::span<const std::vector<double>> columns,
    const std::function<double(std::span<const double> sums)>& figure) const {
  const std::size_t width = columns.size();
  std::vector<double> parts;  // [groups][columns]
  for (const std::vector<std::size_t>& members : members_) {
    for (const std::vector<double>& column : columns) {
      double& sum = parts.emplace_back(0);
      for (const std::size_t i : members) sum += column[i];
    }
  }
  std::vector<double> all(width);
  return kinglet::EstimateFigure(members_.size(), kSeed, [&](std::span<const std::size_t> some) {
    std::ranges::fill(all, 0);
    for (const std::size_t group : some) {
      for (std::size_t c = 0; c < width; ++c) all[c] += parts[group * width + c];
    }
    return figure(all);
  });
}

Estimate Clusters::EstimateFigure(
    const std::function<double(std::span<const std::size_t>)>& figure) const {
  std::vector<std::size_t> questions;
  return kinglet::EstimateFigure(members_.size(), kSeed, [&](std::span<const std::size_t> some) {
    questions.clear();
    for (const std::size_t i : some) {
      questions.insert(questions.end(), members_[i].begin(), members_[i].end());
    }
    return figure(questions);
  });
}

}  // namespace kinglet
