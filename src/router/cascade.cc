// SPDX-License-Identifier: Apache-2.0
// All thresholds that differ lie at the rows' confidences: in their order, each takes the rows of
// one more.
#include "router/cascade.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>

namespace kinglet {
namespace {

// What all thresholds come to, from the one that accepts none downwards.
std::vector<CascadeOutlook> AllOutlooks(std::span<const CascadeRow> rows) {
  std::vector<const CascadeRow*> sorted;
  CascadeOutlook sums;
  for (const CascadeRow& row : rows) {
    sorted.push_back(&row);
    sums.right += row.large_right;
    sums.cost += row.small_cost + row.large_cost;
  }
  std::ranges::sort(sorted, std::greater(), &CascadeRow::confidence);
  const auto count = static_cast<double>(rows.size());
  std::vector<CascadeOutlook> all;
  const auto add = [&] {
    all.push_back({.accept = sums.accept,
                   .accepted = sums.accepted / count,
                   .right = sums.right / count,
                   .loss = sums.loss / count,
                   .cost = sums.cost / count});
  };
  add();
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const CascadeRow& row = *sorted[i];
    sums.accept = row.confidence;
    sums.accepted += 1;
    sums.right += row.small_right - row.large_right;
    sums.loss += row.large_right - row.small_right;
    sums.cost -= row.large_cost;
    if (i + 1 == sorted.size() || sorted[i + 1]->confidence < row.confidence) add();
  }
  return all;
}

}  // namespace

CascadeOutlook OutlookOf(std::span<const CascadeRow> rows, double accept) {
  CascadeOutlook outlook;
  for (const CascadeOutlook& one : AllOutlooks(rows)) {
    if (one.accept >= accept) outlook = one;
  }
  outlook.accept = accept;
  return outlook;
}

double FindAcceptance(std::span<const CascadeRow> rows, const CascadeGoal& goal) {
  constexpr double kRounding = 1e-9;  // of sums
  if (rows.empty()) return goal.max_cost ? kAcceptAll : kAcceptNone;
  const std::vector<CascadeOutlook> all = AllOutlooks(rows);
  const CascadeOutlook* best = nullptr;
  const auto& max_cost = goal.max_cost;
  for (const CascadeOutlook& one : all) {
    const bool is_fit =
        max_cost ? one.cost <= *max_cost + kRounding : one.loss <= goal.max_loss + kRounding;
    if (!is_fit) continue;
    if (best == nullptr || (max_cost ? one.right >= best->right : one.cost <= best->cost)) {
      best = &one;
    }
  }
  if (best == nullptr) return max_cost ? kAcceptAll : kAcceptNone;
  // Where the least sure of all may be taken, so may one that is less sure still.
  return best == &all.back() ? kAcceptAll : best->accept;
}

std::vector<double> CrossFitAcceptance(std::span<const CascadeRow> rows, const CascadeGoal& goal) {
  constexpr std::size_t kFolds = 5;  // of rows that belong to no group, or all to one
  const bool is_one_group = std::ranges::all_of(
      rows, [&](const CascadeRow& row) { return row.group == rows.front().group; });
  const auto fold_of = [&](std::size_t i) {
    const bool is_loose = is_one_group || rows[i].group.empty();
    return is_loose ? std::pair(i % kFolds, std::string()) : std::pair(kFolds, rows[i].group);
  };
  std::map<std::pair<std::size_t, std::string>, double> by_fold;
  std::vector<double> accept;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [found, is_new] = by_fold.try_emplace(fold_of(i));
    if (is_new) {
      std::vector<CascadeRow> others;
      for (std::size_t k = 0; k < rows.size(); ++k) {
        if (fold_of(k) != found->first) others.push_back(rows[k]);
      }
      found->second = FindAcceptance(others, goal);
    }
    accept.push_back(found->second);
  }
  return accept;
}

}  // namespace kinglet
