// SPDX-License-Identifier: Apache-2.0
// What a model makes of questions about passages: Kinglet's reading of them beside the same model
// plainly prompted, and without the passages; and the best sentence without a model.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/confidence.h"
#include "answer/reader.h"
#include "base/json.h"
#include "eval/answer_match.h"
#include "eval/question_set.h"
#include "ledger/machine_meter.h"
#include "text/language_model.h"

namespace kinglet {

// What a model says when it is simply asked.
struct PlainAnswer {
  std::string text;  // empty: "unanswerable"
  AnswerScore score;
};

// Of a reply; one that says "unanswerable" is no answer.
PlainAnswer PlainAnswerOf(std::string_view reply, std::span<const std::string> gold);

// What a question took of the machine: its even share beside those that were asked with it.
struct AnswerCost {
  double machine_ms = 0;
  double joules = 0;
  int computed_tokens = 0;  // read and written, without those that a cache held
};

int ComputedTokens(const GenerationResult& result);

inline constexpr double kRightF1 = 0.5;  // from which on an answer counts as right

// What came of one question.
struct GroundingOutcome {
  const PassageQuestion* question = nullptr;
  Reading reading;
  AnswerScore score;          // of its span
  double coverage = 0;        // of the question's words by the passages
  std::string quote;          // the sentence in which the span stands
  std::string best_sentence;  // of the passages, by the words that it shares with the question
  // Unset: not asked.
  std::optional<PlainAnswer> plain;        // from the passages
  std::optional<PlainAnswer> closed_book;  // without them
  AnswerCost cost;                         // of all that was asked about it

  bool is_answerable() const { return !question->answers.empty(); }
  // As a span, of an answerable question.
  bool is_right() const { return is_answerable() && score.f1 >= kRightF1; }
  // The quote says it, or most of it where the answer is a text of its own.
  bool is_quoted() const {
    return is_answerable() && (HoldsAnswer(quote, question->answers) ||
                               ScoreAnswer(quote, question->answers).f1 >= kRightF1);
  }
  // Some passage holds the words of a gold answer.
  bool is_answer_found() const;
  ConfidenceFeatures features(const Probe& probe) const {
    return FeaturesOf(reading, coverage, probe);
  }
};

struct GroundingOptions {
  std::size_t at_once = 8;  // questions
  bool reads = true;        // as Kinglet reads
  bool asks_plainly = true;
  bool asks_closed_book = false;
  PowerModel power;  // of the machine, for what each question costs
};

// Told what came of each few; an error stops.
using GroundingSink = std::function<Result<void>(std::span<const GroundingOutcome> some)>;

// done: what came of the first questions before.
Result<std::vector<GroundingOutcome>> AskQuestions(LanguageModel& model,
                                                   std::span<const PassageQuestion> questions,
                                                   const GroundingOptions& options,
                                                   std::vector<GroundingOutcome> done,
                                                   const GroundingSink& sink);

// Probabilities of each outcome, each by regressions that saw no question of its group; of
// one group alone by some that saw the others of it (in fifths).
struct Confidences {
  std::vector<double> answerable;
  std::vector<double> right;   // as a span
  std::vector<double> quoted;  // what `ask` shows as its confidence
};
Confidences CrossFit(std::span<const GroundingOutcome> outcomes);
Calibration Calibrate(std::span<const GroundingOutcome> outcomes);

// Of P(right): what serves best, in F1, all questions of other groups.
double BestThreshold(std::span<const GroundingOutcome> outcomes, std::span<const double> right);

// Whether Kinglet answers, and what that scores, abstaining as an answer of none. threshold: of
// P(right).
std::vector<bool> AnswersAbove(std::span<const GroundingOutcome> outcomes,
                               const Confidences& confidences, double threshold);
std::vector<AnswerScore> ScoresAbove(std::span<const GroundingOutcome> outcomes,
                                     const Confidences& confidences, double threshold);

// What a system's answers score, an answer of none included.
struct SystemScores {
  std::string system;
  std::vector<AnswerScore> scores;  // of each question
};

// The figures of `kinglet eval grounding`, as its JSON has them; and what they compare.
struct GroundingResult {
  json::object figures;
  std::vector<SystemScores> scores;  // Kinglet's first
};
// threshold: of P(right), below which Kinglet abstains.
GroundingResult MeasureGrounding(std::span<const GroundingOutcome> outcomes,
                                 const Confidences& confidences, double threshold);

// What a system scores more than another on the same questions.
json::object CompareSystems(std::span<const GroundingOutcome> outcomes, const SystemScores& system,
                            const SystemScores& other);

}  // namespace kinglet
