// SPDX-License-Identifier: Apache-2.0
// How long a model takes here, of text that nobody computed before: to a first token, to each
// further one, and to one of several answers that are written together.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "claims/setup.h"
#include "eval/retrieval_metrics.h"

namespace kinglet {

// A measurement each repetition, in milliseconds.
struct Speed {
  std::map<std::size_t, std::vector<double>> first_ms;  // by the tokens of the prompt
  std::vector<double> token_ms;
  std::vector<double> together_ms;  // of kTogether answers, a token of any
  double read_bytes_per_s = 0;      // what the threads can read of the weights; 0: not known
};

inline constexpr std::size_t kTogether = 8;

// The prompts are of so many tokens; those that the model's context does not hold are left out.
Result<Speed> MeasureSpeed(const ClaimSetup& setup, Part model,
                           std::span<const std::size_t> prompts);

// An array of numbers that was kept; kInvalidInput of all else, and of null.
Result<std::vector<double>> ReadNumbers(const json::value* value);
json::object ToJson(const Speed& speed);
Result<Speed> ReadSpeed(const json::value& value);

double MedianOf(std::vector<double> values);  // of one at least
// A figure of the medians of some series, each drawn by itself: what was measured at different
// times varies apart. Medians: what disturbed the machine once disturbs them little. The ends are
// infinitely far apart where a series has one value.
Estimate EstimateOfMedians(std::span<const std::vector<double>> series, std::uint64_t seed,
                           const std::function<double(std::span<const double>)>& figure);
Estimate EstimateMedian(const std::vector<double>& values, std::uint64_t seed);
// How many times `other` the one is.
Estimate EstimateRatio(const std::vector<double>& one, const std::vector<double>& other,
                       std::uint64_t seed);

}  // namespace kinglet
