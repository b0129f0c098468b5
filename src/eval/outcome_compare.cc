// SPDX-License-Identifier: Apache-2.0
// Runs are the same where all that their first lines say is, but for whose replies they are.
#include "eval/outcome_compare.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/display.h"
#include "base/json_lines.h"
#include "eval/cluster_bootstrap.h"

namespace kinglet {
namespace {

constexpr double kPoints = 100;
// Of the system that is measured: these may differ.
constexpr std::array<std::string_view, 4> kOfSystem = {"model", "embedder", "plain", "closed_book"};

// {"em": 1} and {"kinglet": {"em": 1}} alike.
Result<void> ReadScores(const json::object& scores, const std::string& prefix,
                        std::vector<std::pair<std::string, double>>& read) {
  for (const auto& [name, value] : scores) {
    const std::string metric = prefix + std::string(name);
    if (value.is_number()) {
      read.emplace_back(metric, value.to_number<double>());
    } else if (value.is_object() && prefix.empty()) {
      TRY(ReadScores(value.get_object(), metric + ".", read));
    } else {
      return Error(StatusCode::kInvalidInput, "the score {} must be a number", Quoted(metric));
    }
  }
  return {};
}

Result<void> ReadLine(const json::value& line, OutcomeTable& table) {
  const std::string id = TRY(TextOf(line, "id"));
  if (Find(line, "error") != nullptr) {
    return Error(StatusCode::kInvalidInput,
                 "question {} has no reply: run the task again, which asks for what is missing",
                 Quoted(id));
  }
  const json::value* const scores = Find(line, "scores");
  if (scores == nullptr || !scores->is_object()) {
    return Error(StatusCode::kInvalidInput, "there are no scores: the run was not finished");
  }
  std::vector<std::pair<std::string, double>> read;
  TRY(ReadScores(scores->get_object(), "", read));
  if (table.ids.empty()) {
    for (const auto& [metric, score] : read) table.metrics.push_back(metric);
    table.scores.resize(read.size());
  }
  const auto same = [](const auto& score, const std::string& metric) {
    return score.first == metric;
  };
  if (!std::ranges::equal(read, table.metrics, same)) {
    return Error(StatusCode::kInvalidInput, "question {} has other scores than the first",
                 Quoted(id));
  }
  for (std::size_t m = 0; m < read.size(); ++m) table.scores[m].push_back(read[m].second);
  table.ids.push_back(id);
  table.groups.push_back(TRY(TextOf(line, "group")));
  return {};
}

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string ValueText(const json::object& run, std::string_view key) {
  return run.contains(key) ? ToJson(run.at(key)) : "nothing";
}

Result<void> CheckSameRun(const OutcomeTable& old_run, const OutcomeTable& new_run) {
  std::vector<std::string> keys;
  for (const OutcomeTable* const table : {&old_run, &new_run}) {
    for (const auto& [key, value] : table->run) keys.emplace_back(key);
  }
  for (const std::string& key : keys) {
    if (std::ranges::find(kOfSystem, key) != kOfSystem.end()) continue;
    const std::string before = ValueText(old_run.run, key);
    const std::string after = ValueText(new_run.run, key);
    if (before == after) continue;
    return Error(StatusCode::kInvalidInput,
                 "not comparable: \"{}\" is {} in the old file and {} in the new one",
                 EscapeForDisplay(key), before, after);
  }
  if (old_run.ids != new_run.ids || old_run.groups != new_run.groups) {
    return Error(StatusCode::kInvalidInput, "not comparable: the questions or groups differ");
  }
  return {};
}

}  // namespace

std::string OutcomeTable::name() const {
  const json::value* const task = run.if_contains("task");
  return task != nullptr && task->is_string() ? std::string(task->get_string()) : "grounding";
}

std::size_t OutcomeTable::group_count() const { return Clusters(groups).size(); }

Result<OutcomeTable> ParseOutcomes(std::string_view text) {
  OutcomeTable table;
  bool is_first = true;
  TRY(ForEachJsonLine(text, {}, [&](const json::value& line) -> Result<void> {
    if (!std::exchange(is_first, false)) return ReadLine(line, table);
    TRY(TextOf(line, "data"));  // every file of outcomes names it
    table.run = line.get_object();
    return {};
  }));
  if (table.ids.empty()) return Error(StatusCode::kInvalidInput, "there are no outcomes");
  return table;
}

Result<std::vector<MetricChange>> CompareOutcomes(const OutcomeTable& old_run,
                                                  const OutcomeTable& new_run) {
  TRY(CheckSameRun(old_run, new_run));
  const Clusters clusters(old_run.groups);
  std::vector<MetricChange> changes;
  for (std::size_t m = 0; m < old_run.metrics.size(); ++m) {
    const auto other = std::ranges::find(new_run.metrics, old_run.metrics[m]);
    if (other == new_run.metrics.end()) continue;
    const std::vector<double>& before = old_run.scores[m];
    const std::vector<double>& after =
        new_run.scores[static_cast<std::size_t>(other - new_run.metrics.begin())];
    MetricChange change{
        .metric = old_run.metrics[m], .old_mean = MeanOf(before), .new_mean = MeanOf(after)};
    std::vector<double> points;
    for (std::size_t i = 0; i < before.size(); ++i) {
      points.push_back(kPoints * (after[i] - before[i]));
      ++(after[i] > before[i] ? change.better : after[i] < before[i] ? change.worse : change.same);
    }
    change.points = clusters.EstimateMean(points);
    const std::vector<double> of_groups = clusters.Sums(points);
    const auto more = [&](auto is) {
      return static_cast<std::size_t>(std::ranges::count_if(of_groups, is));
    };
    change.p = SignTest(more([](double sum) { return sum > 0; }),
                        more([](double sum) { return sum < 0; }));
    changes.push_back(std::move(change));
  }
  if (changes.empty()) return Error(StatusCode::kInvalidInput, "the files share no metric");
  return changes;
}

Result<ChangeBound> ParseChangeBound(std::string_view text) {
  const std::size_t sign = text.find('<');
  ChangeBound bound{.text = std::string(text), .metric = std::string(text.substr(0, sign))};
  const std::string_view number =
      sign == std::string_view::npos ? std::string_view() : text.substr(sign + 1);
  const auto read = std::from_chars(number.data(), number.data() + number.size(), bound.points);
  const bool is_number = read.ec == std::errc() && read.ptr == number.data() + number.size();
  if (bound.metric.empty() || !is_number || !(bound.points <= 0) || !std::isfinite(bound.points)) {
    return Error(StatusCode::kUsage,
                 "{} is no bound: give a metric and the points that it may fall, like em<-1",
                 Quoted(text));
  }
  return bound;
}

bool Breaks(const MetricChange& change, const ChangeBound& bound) {
  return change.metric == bound.metric && change.points.mean < bound.points &&
         change.points.high < 0;
}

double SignTest(std::size_t better, std::size_t worse) {
  const auto n = static_cast<double>(better + worse);
  double tail = 0;  // of as few or fewer on the rarer side, were both as likely
  for (std::size_t k = 0; k <= std::min(better, worse); ++k) {
    const auto few = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(few + 1) - std::lgamma(n - few + 1) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace kinglet
