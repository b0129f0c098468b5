// SPDX-License-Identifier: Apache-2.0
// Questions of --data that several claims ask, drawn once and read with what a search finds; and
// what a model makes of them, kept in the work folder question by question.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "claims/setup.h"
#include "eval/grounding.h"
#include "eval/question_set.h"
#include "knowledge/retriever.h"

namespace kinglet {

struct ClaimQuestions {
  std::vector<PassageQuestion> questions;
  std::string passages;  // where those come from: what sets these questions apart from others

  // The group of each, for intervals.
  std::vector<std::string> groups() const;
};

// All of the file, with their own passages.
Result<std::vector<PassageQuestion>> ReadClaimData(const ClaimSetup& setup);

// A library in the work folder that holds what `fill` puts into it; then `use` searches it.
Result<void> WithLibrary(const ClaimSetup& setup, const std::function<Result<void>(Library&)>& fill,
                         const std::function<Result<void>(const Retriever&)>& use);

// setup.limit of `data`, half of them answerable, with what a search finds in all passages of it.
Result<ClaimQuestions> DrawClaimQuestions(const ClaimSetup& setup,
                                          std::vector<PassageQuestion> data);

// How a model is asked: it reads what was found, as Kinglet does, or has nothing but the question.
enum class Asking { kReads, kClosedBook };

// A run that was stopped goes on where it was.
Result<std::vector<GroundingOutcome>> AskModel(const ClaimSetup& setup, Part model, Asking asking,
                                               const ClaimQuestions& questions);

// What Kinglet answers: it abstains where answering does not pay, as its confidence in questions
// of other documents has it.
std::vector<AnswerScore> ScoresWithAbstaining(std::span<const GroundingOutcome> read);

// Whether the words of a gold answer stand in what the search found.
bool IsAnswerFound(const GroundingOutcome& outcome);

// What engines of claims hold: some questions and their passages at once.
EngineOptions ClaimEngine();

}  // namespace kinglet
