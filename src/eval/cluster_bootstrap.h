// SPDX-License-Identifier: Apache-2.0
// Means of questions that come in groups (of one document, say), which are drawn whole: questions
// of a group are right or wrong together, and an interval that takes them for independent is too
// narrow (the cluster bootstrap, Field and Welsh 2007).
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/retrieval_metrics.h"

namespace kinglet {

class Clusters {
 public:
  // The group of each question; one without a name is a group of its own.
  explicit Clusters(std::span<const std::string> groups);

  std::size_t size() const { return members_.size(); }
  // The mean over all questions, and its interval, which has no ends where there is one group. The
  // same samples each time, so that differences of two systems are paired.
  Estimate EstimateMean(std::span<const double> values) const;
  // Of each group, in the order of their first questions.
  std::vector<double> Sums(std::span<const double> values) const;
  // A figure of the columns' sums over all questions, likewise.
  Estimate EstimateOfSums(std::span<const std::vector<double>> columns,
                          const std::function<double(std::span<const double> sums)>& figure) const;
  // That of any figure of some questions, which may come more than once.
  Estimate EstimateFigure(const std::function<double(std::span<const std::size_t>)>& figure) const;

 private:
  std::vector<std::vector<std::size_t>> members_;
};

}  // namespace kinglet
