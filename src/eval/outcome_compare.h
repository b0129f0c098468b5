// SPDX-License-Identifier: Apache-2.0
// Two files of outcomes of the same questions: who is better, by how much, and how sure that is.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "eval/retrieval_metrics.h"

namespace kinglet {

// A file that `eval task` or `eval grounding` wrote.
struct OutcomeTable {
  json::object run;  // its first line: what the outcomes are of
  std::vector<std::string> ids;
  std::vector<std::string> groups;
  std::vector<std::string> metrics;         // of grounding: SYSTEM.METRIC
  std::vector<std::vector<double>> scores;  // by metric, then by question

  std::string name() const;         // of the task
  std::size_t group_count() const;  // those that are drawn whole
};

// kInvalidInput names the line. A question without a reply is invalid, too: what it would have
// scored is not known.
Result<OutcomeTable> ParseOutcomes(std::string_view text);

struct MetricChange {
  std::string metric;
  double old_mean = 0;  // 0..1
  double new_mean = 0;
  Estimate points;                              // new - old, in points (hundredths)
  std::size_t better = 0, worse = 0, same = 0;  // questions
  // How likely so uneven a split of groups that are better and worse is by chance: the exact
  // two-sided sign test, which for scores of 0 and 1, each question alone, is McNemar's exact test.
  double p = 1;
};

// Of the metrics that both have. kInvalidInput says what sets the files apart where they are not of
// the same questions, asked and scored alike.
Result<std::vector<MetricChange>> CompareOutcomes(const OutcomeTable& old_run,
                                                  const OutcomeTable& new_run);

// "em<-1": the metric must not fall by more than a point.
struct ChangeBound {
  std::string text;
  std::string metric;
  double points = 0;  // 0 or less
};
Result<ChangeBound> ParseChangeBound(std::string_view text);

// The change lies below the bound, and all of its 95 % interval below 0.
bool Breaks(const MetricChange& change, const ChangeBound& bound);

double SignTest(std::size_t better, std::size_t worse);

}  // namespace kinglet
