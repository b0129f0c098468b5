// SPDX-License-Identifier: Apache-2.0
// How good a classifier of intents is: whether it is right, whether it knows how sure it is, and
// whether it tells what it was never taught.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "eval/confidence_metrics.h"
#include "eval/retrieval_metrics.h"
#include "router/classifier.h"
#include "router/labelled_texts.h"

namespace kinglet {

struct JudgedIntent {
  bool in_scope = false;   // by the test set
  bool right = false;      // of one in scope: the best label is the test set's
  double confidence = 0;   // of the best label
  double scope_score = 0;  // Classification's
  bool rejected = false;   // taken for out of scope, by the threshold from the training

  // Whether it comes where it should.
  bool routed_right() const { return in_scope ? right && !rejected : rejected; }
};

struct IntentFigures {
  std::size_t in_scope = 0, out_of_scope = 0;  // texts
  Estimate accuracy;  // of those in scope, whether they were rejected or not
  // Expected calibration error of those in scope, and its bins.
  Estimate ece;
  std::array<CalibrationBin, 10> bins;
  // The share in scope that the threshold of the training rejects.
  Estimate rejected;
  // Of the texts out of scope; all unset where there are none, or none in scope.
  struct OutOfScope {
    Estimate recall_at_5;  // the share below the score that 5 % of those in scope are below
    Estimate auroc;        // of the scope score
    Estimate recall;       // at the threshold of the training
  };
  std::optional<OutOfScope> out;
};

// Intervals of 95 % by a bootstrap that draws texts.
IntentFigures FiguresOf(std::span<const JudgedIntent> judged);

// What the classifier makes of a line. An intent that it does not know is in scope, and missed.
Result<JudgedIntent> Judge(const IntentLine& line, const Classifier& classifier,
                           Embedder* embedder);

}  // namespace kinglet
