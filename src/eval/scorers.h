// SPDX-License-Identifier: Apache-2.0
// What a reply to a question of a task is worth: pure functions, one row each in a table.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/text_pattern.h"
#include "grammar/json_validator.h"

namespace kinglet {

// The [scorer] of a task; each scorer says which of them it reads.
struct ScorerOptions {
  bool strip = true;  // white space at the ends of reply and answer does not count
  bool ignore_case = false;
  bool ignore_punctuation = false;  // of ASCII
  bool ignore_numbers = false;      // digits of ASCII
  std::vector<TextPattern> ignore;  // what matches is taken out of reply and answer first
  std::optional<TextPattern> pattern;
  std::shared_ptr<const JsonValidator> schema;
  double tolerance = 0;  // how far a number may be off
};

// What is right.
struct Gold {
  std::vector<std::string> answers;  // each of them is
  std::vector<std::string> choices;  // that the model chose from,
  std::vector<std::size_t> right;    // and which of them are right
};

struct TaskReply {
  std::string text;
  // Of each choice: the sum of the natural logarithms of its tokens' probabilities.
  std::vector<float> logprobs;
  std::string error;  // there is no reply; why
};

struct Scorer {
  std::string_view name;
  std::span<const std::string_view> metrics;  // each 0..1, more is better
  std::span<const std::string_view> options;  // that it reads, by their names in a task
  bool needs_answer = true;                   // at least one for each question
  bool chooses = false;                       // it scores likelihoods of choices
  // A score for each metric.
  std::vector<double> (*score)(const TaskReply& reply, const Gold& gold,
                               const ScorerOptions& options) = nullptr;
};

std::span<const Scorer> Scorers();

// Null where there is none of that name.
const Scorer* FindScorer(std::string_view name);

// The number that a text ends on, thousands' commas left out: "so it is 1,200 euros" holds 1200.
std::optional<double> LastNumber(std::string_view text);

}  // namespace kinglet
