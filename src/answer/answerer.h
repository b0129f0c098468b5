// SPDX-License-Identifier: Apache-2.0
// One question, start to finish: retrieve, gate, prompt, generate, check, account. For the command
// line, the server and the evaluation alike.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "answer/answer.h"
#include "answer/confidence.h"
#include "answer/follow_up.h"
#include "base/status.h"
#include "knowledge/retriever.h"
#include "text/language_model.h"

namespace kinglet {

// Calibrations are of questions half of which only seem to be answered, of which people ask fewer:
// of an ordinary library this lets four in five answers through (docs/grounding.md has figures).
inline constexpr double kDefaultRisk = 0.7;

// A longer question is kUsage.
inline constexpr std::size_t kMaxQuestionBytes = 4096;

struct AskOptions {
  AskMode mode = AskMode::kCite;
  SamplingOptions sampling;  // greedy unless asked otherwise
  int max_tokens = 96;       // of the model's draft
  std::vector<std::string> stop;
  std::string model_name;         // for the record
  std::string library_name;       // for the record
  std::optional<AskRoute> route;  // for the record
  ServiceTerms terms;             // of what is asked of the model
  std::vector<Turn> turns;        // of mode kChat: what was said before
  // What the model's likelihoods are worth; null: not known, and confidence is what the quotes
  // cover.
  const Calibration* calibration = nullptr;
  // Abstains where what it quotes answers with a lower probability than 1 - risk; without a
  // calibration nobody knows it.
  double risk = kDefaultRisk;
  // Of a model that is calibrated, which a larger one stands behind (answer/cascade.h): an answer
  // or abstention that is right with less than this probability is given up as soon as that is
  // known, with nothing of it shown; Answer::first says so.
  std::optional<double> accept;
  // When it was asked, by MonotonicMs(), which times are counted from; absent: now.
  std::optional<double> start_ms;
};

// Each may be empty.
struct AskEvents {
  // What was found, before the model reads it.
  std::function<void(const Answer& so_far)> on_passages;
  // A quote is checked: the last of those so far. The answer stands in it, or it carries a claim.
  std::function<void(const Answer& so_far)> on_quote;
  // A claim as soon as it is checked; its quotes are in the answer so far.
  std::function<void(const Claim& claim, const Answer& so_far)> on_claim;
  // Asked while the model writes; true stops it, and what was published by then stays.
  std::function<bool()> cancelled;
};

// At most this many quotes of at most two sentences each.
inline constexpr int kMaxQuotes = 4;

// model may be null in mode kQuote only. A question without a word in it is kUsage; an empty
// library abstains. An error that comes when the model has worked already leaves in `undelivered`
// what the ledger is to have of it.
Result<Answer> Ask(std::string_view question, const Retriever& retriever, LanguageModel* model,
                   const AskOptions& options, const AskEvents& events = {},
                   std::optional<Answer>* undelivered = nullptr);

}  // namespace kinglet
