// SPDX-License-Identifier: Apache-2.0
// Two models are asked the same questions, half of which have no answer: which of them says so.
#pragma once

#include <string>
#include <vector>

#include "claims/finding.h"
#include "claims/setup.h"
#include "eval/grounding.h"

namespace kinglet {

// What a model makes of questions and of what a search finds for them.
struct AnsweringModel {
  std::string name;
  std::vector<GroundingOutcome> plain;  // plainly asked
  std::vector<GroundingOutcome> read;   // as Kinglet reads
};

// Adds to what speed has shown; --data is given.
Result<void> TestFalseAnswers(const ClaimSetup& setup, Finding& finding);

// Adds to the tables, to `why` and to the caveats. Where neither answers more rightly than
// chance may have it, it shows no answers.
void CompareFalseAnswers(const AnsweringModel& sparse, const AnsweringModel& dense,
                         const Prices& prices, Finding& finding);

}  // namespace kinglet
