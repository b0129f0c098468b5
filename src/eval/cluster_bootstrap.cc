// SPDX-License-Identifier: Apache-2.0
// A sample's mean needs of a group its sum and its size alone.
#include "eval/cluster_bootstrap.h"

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
  struct Part {
    double sum = 0;
    double count = 0;
  };
  std::vector<Part> parts;
  for (const std::vector<std::size_t>& members : members_) {
    Part& part = parts.emplace_back();
    for (const std::size_t i : members) part.sum += values[i];
    part.count = static_cast<double>(members.size());
  }
  return kinglet::EstimateFigure(parts.size(), kSeed, [&](std::span<const std::size_t> some) {
    Part all;
    for (const std::size_t i : some) {
      all.sum += parts[i].sum;
      all.count += parts[i].count;
    }
    return all.sum / all.count;
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
