// SPDX-License-Identifier: Apache-2.0
// Questions of --data that several claims ask, drawn once and read with what a search finds; and
// what a model makes of them, kept in the work folder question by question.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "claims/setup.h"
#include "eval/grounding.h"
#include "eval/question_set.h"
#include "knowledge/library.h"

namespace kinglet {

struct ClaimQuestions {
  std::vector<PassageQuestion> questions;
  std::string passages;  // where those come from: what sets these questions apart from others

  // The group of each, for intervals.
  std::vector<std::string> groups() const;
};

// All of the file, with their own passages. kInvalidInput: none of them has an answer.
Result<std::vector<PassageQuestion>> ReadClaimData(const ClaimSetup& setup);

// What questions are searched in.
struct ClaimLibrary {
  std::string digest;  // of what `fill` puts into it
  std::function<Result<void>(Library&)> fill;
  bool by_words = false;  // whatever embedder there is
};
// All passages of `data`, which was read from the file and outlives the library.
Result<ClaimLibrary> LibraryOf(const ClaimSetup& setup, std::span<const PassageQuestion> data);

// What a search finds there takes the place of the questions' passages. Kept in the work folder
// under the name: the library is built only where that is missing.
Result<void> FindPassages(const ClaimSetup& setup, std::string_view name,
                          const ClaimLibrary& searched, std::span<PassageQuestion> questions);

// setup.limit of `data`, half of them answerable, with what a search finds in all passages of it.
Result<ClaimQuestions> DrawClaimQuestions(const ClaimSetup& setup,
                                          std::vector<PassageQuestion> data);

// How a model is asked: it reads what was found as Kinglet does, is plainly asked about it, or has
// nothing but the question.
enum class Asking { kReads, kPlain, kClosedBook };

// A run that was stopped goes on where it was.
Result<std::vector<GroundingOutcome>> AskModel(const ClaimSetup& setup, Part model, Asking asking,
                                               const ClaimQuestions& questions);

// What a model that was asked so gives for an answer. Kinglet, which reads, abstains where
// answering does not pay, as its confidence in questions of other documents has it.
struct GivenAnswers {
  std::vector<bool> is_given;  // false: "there is none"
  std::vector<AnswerScore> scores;
  std::vector<AnswerScore> unabstained;  // what they would score, all of them given
  std::vector<double> p_answerable;      // empty where nothing foretells it
};
GivenAnswers AnswersOf(std::span<const GroundingOutcome> outcomes, Asking asking);

// An engine that holds some questions and their passages at once.
Result<std::unique_ptr<Engine>> OpenToAsk(const ClaimSetup& setup, Part model);

}  // namespace kinglet
