// SPDX-License-Identifier: Apache-2.0
// What a cascade of two models comes to, from what both have answered: beside the small one alone,
// the large one alone, a mix of the two by lot, and one who knows which answers are right.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/retrieval_metrics.h"
#include "router/cascade.h"

namespace kinglet {

// One model's answer to a question, or its abstention.
struct JudgedAnswer {
  double confidence = 0;  // that it is right, as the model's calibration has it
  double right = 0;       // 1: a quote that holds a gold answer, or none where there is none
  double useful = 0;      // 1: the former
  double tokens = 0;      // of a useful answer, those that it reads out
  std::optional<double> cost;
};

struct CascadeQuestion {
  std::string id, group;
  JudgedAnswer small, large;
  // Of the small model where its answer is given up, which it is before all of it is written;
  // unset: as much as of one that is taken.
  std::optional<double> given_up_cost;

  double sent_on_cost() const {
    return given_up_cost.value_or(small.cost.value_or(0)) + large.cost.value_or(0);
  }
};

struct CascadeFile {
  std::string name;  // for messages
  std::string text;
};

// The questions that both files of `eval grounding --outcomes` hold. An answer is given where its
// probability is 1 - risk or more. kInvalidInput: they are not of the same data, or share nothing.
Result<std::vector<CascadeQuestion>> ReadCascade(const CascadeFile& small_file,
                                                 const CascadeFile& large_file, double risk);

struct CascadeSystem {
  std::string name;
  std::optional<double> max_loss;  // of a cascade: the goal
  std::optional<double> accept;    // likewise: the threshold that all questions give
  double accepted = 0;             // the share of answers that are the small model's
  Estimate right;                  // the share of all
  Estimate points;                 // of right answers, more than the large model alone: hundredths
  double cost = 0;                 // mean of a question
  double cost_per_useful_answer = 0;  // 0: there is none
  double cost_per_useful_token = 0;
  Estimate share_of_large;  // of cost_per_useful_token, that of the large model alone being 1
};

struct CascadeFigures {
  std::size_t questions = 0, groups = 0;
  std::vector<CascadeSystem> systems;
};

// Each answer has a cost. Thresholds of a group's questions come from those of all others. Of
// max_losses (shares of all answers) each is a cascade of its own, with a mix by lot that costs the
// same.
CascadeFigures MeasureCascade(const std::vector<CascadeQuestion>& questions,
                              const std::vector<double>& max_losses);

}  // namespace kinglet
