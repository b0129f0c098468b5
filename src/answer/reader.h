// SPDX-License-Identifier: Apache-2.0
// What a language model reads out of passages for a question: the span that answers it best, byte
// for byte, and all that tells whether it does.
//
// Two questions on one prefix, so that passages and question are read once: "answer with a phrase
// of the documents", whose likelihood tells a right answer from a wrong one; and "can this be
// answered?", for its odds of Yes and the state behind them. What the model would say to that is
// worth nothing (docs/grounding.md has figures).
//
// A model goes on after its answer more often than not. Of what it writes, the beginning that it
// would most likely have written alone, its end included, is the span.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/word_odds.h"
#include "base/status.h"
#include "knowledge/passage.h"
#include "text/language_model.h"

namespace kinglet {

// Natural logarithms.
struct ReadingSignals {
  double gate = 0;    // odds of Yes over No
  double span = 0;    // of the span, and that the answer ends there
  double tokens = 0;  // of the span: their number
};

struct Reading {
  std::string text;         // the span; empty: there is no word in the passages
  std::size_t passage = 0;  // that it stands in,
  std::size_t begin = 0;    // and where
  std::size_t end = 0;
  ReadingSignals signals;
  std::vector<float> state;  // [width] behind the gate's question, of a layer past the middle
};

// A question on its way: requests that a model may compute beside those of others.
class ReadingTask {
 public:
  static constexpr std::size_t kRequests = 2;

  // The model and the passages, which it sees in their canonical order, outlive the task.
  static Result<ReadingTask> Make(const LanguageModel& model, std::span<const Passage> passages,
                                  std::string_view question, const ServiceTerms& terms);

  std::span<const GenerationRequest> requests() const { return requests_; }
  // results: of the requests. kLimitExceeded: their time was over before the gate was read.
  Result<Reading> Finish(std::span<const GenerationResult> results) const;

 private:
  void Locate(std::string_view text, Reading& reading) const;

  // The beginning of what was written that is the likeliest as a whole, and its signals.
  std::string LikeliestBeginning(const GenerationResult& span, ReadingSignals& signals) const;

  const LanguageModel* model_ = nullptr;
  std::vector<SpanSource> sources_;  // of the passages
  std::vector<GenerationRequest> requests_;
  YesOrNo yes_or_no_;  // of the gate
};

Result<Reading> Read(LanguageModel& model, std::span<const Passage> passages,
                     std::string_view question, const ServiceTerms& terms);

// Where spans of a text may begin and end: with whole words, and the quotes, brackets and signs
// of currency or percent that belong to them.
SpanSource SpansOfWords(std::string_view text);

}  // namespace kinglet
