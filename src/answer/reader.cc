// SPDX-License-Identifier: Apache-2.0
// The prompts, and what their answers come to.
#include "answer/reader.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "answer/prompt.h"
#include "base/check.h"
#include "text/plain_words.h"

namespace kinglet {
namespace {

constexpr int kMaxSpanTokens = 32;
// Where a linear probe tells answerable questions best; the last layers know more of the next word
// and less of the question (docs/grounding.md has the curve).
constexpr double kStateDepth = 0.74;
constexpr std::string_view kAskSpan =
    "Answer with a short phrase from the documents and nothing else.";
constexpr std::string_view kAskGate =
    "Can this question be answered from the documents? Reply Yes or No.";

// Behind a blank, or at the beginning.
bool BeginsAWord(std::string_view text, std::size_t at) {
  return at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n';
}

}  // namespace

SpanSource SpansOfWords(std::string_view text) {
  SpanSource source{.text = text};
  PlainWords words(text);
  while (words.Next()) {
    const ByteRange word = words.range();
    source.starts.push_back(word.begin);
    source.ends.push_back(word.end);
    for (const std::string_view sign :
         {"$", "\u20AC", "\u00A3", "\u00A5", "(", "\"", "\u201C", "-"}) {
      if (text.substr(0, word.begin).ends_with(sign) && BeginsAWord(text, word.begin - sign.size()))
        source.starts.push_back(word.begin - sign.size());
    }
    for (const std::string_view sign : {"%", "\"", "\u201D", ")", "\u00B0"}) {
      if (text.substr(word.end).starts_with(sign)) source.ends.push_back(word.end + sign.size());
    }
  }
  return source;
}

Result<ReadingTask> ReadingTask::Make(const LanguageModel& model, std::span<const Passage> passages,
                                      std::string_view question, const ServiceTerms& terms) {
  ReadingTask task;
  task.model_ = &model;
  for (const Passage& passage : passages) task.sources_.push_back(SpansOfWords(passage.text));
  const auto request = [&](std::string_view instruction) -> Result<GenerationRequest> {
    const auto messages = BuildMessages(passages, question, instruction);
    return GenerationRequest{.prompt = TRY(model.EncodeChat(messages)), .terms = terms};
  };
  GenerationRequest span = TRY(request(kAskSpan));
  span.max_tokens = kMaxSpanTokens;
  span.logprobs = true;
  span.likeliest_beginning = true;
  span.constraint = model.SpansOf(task.sources_);
  GenerationRequest gate = TRY(request(kAskGate));
  gate.state_depth = kStateDepth;
  task.yes_or_no_ = YesOrNo(model);
  gate.candidates = task.yes_or_no_.candidates();
  // The span first: it reads what both begin with, and writes while the other reads the rest.
  task.requests_ = {std::move(span), std::move(gate)};
  return task;
}

Result<Reading> ReadingTask::Finish(std::span<const GenerationResult> results) const {
  KINGLET_CHECK(results.size() == kRequests, "{}", results.size());
  const GenerationResult& span = results[0];
  const GenerationResult& gate = results[1];
  if (gate.candidate_logprobs.empty()) {
    return Error(StatusCode::kLimitExceeded,
                 "the time for the request was over before the passages were read");
  }
  Reading reading;
  reading.signals.gate = yes_or_no_.LogOdds(gate.candidate_logprobs);
  reading.state = gate.state;
  const std::string text = LikeliestBeginning(span, reading.signals);
  Locate(text, reading);
  return reading;
}

std::string ReadingTask::LikeliestBeginning(const GenerationResult& span,
                                            ReadingSignals& signals) const {
  std::string written;
  std::string best;
  double sum = 0;
  signals.span = -std::numeric_limits<double>::infinity();
  const auto offer = [&](double end, std::size_t tokens) {
    if (written.empty() || sum + end <= signals.span) return;
    best = written;
    signals.span = sum + end;
    signals.tokens = static_cast<double>(tokens);
  };
  for (std::size_t i = 0; i < span.odds.size(); ++i) {
    offer(span.odds[i].end, i);
    written += model_->TokenBytes(span.odds[i].token);
    sum += span.odds[i].logprob;
  }
  if (span.finish_reason == FinishReason::kStop) offer(span.end_logprob, span.odds.size());
  // Cut by the limit before it might end: what there is, as it is.
  if (best.empty()) {
    best = written;
    signals.span = sum;
    signals.tokens = static_cast<double>(span.odds.size());
  }
  return best;
}

// A span that the token limit cut in the midst of a word is taken back to the last whole one.
void ReadingTask::Locate(std::string_view text, Reading& reading) const {
  for (std::size_t passage = 0; passage < sources_.size(); ++passage) {
    const SpanSource& source = sources_[passage];
    for (const std::size_t begin : source.starts) {
      if (!IsSpelling(text, source.text.substr(begin, text.size()))) continue;
      std::size_t end = begin;
      for (const std::size_t one : source.ends) {
        if (one > begin && one <= begin + text.size()) end = std::max(end, one);
      }
      if (end == begin || end - begin <= reading.text.size()) continue;
      reading.text = source.text.substr(begin, end - begin);
      reading.passage = passage;
      reading.begin = begin;
      reading.end = end;
    }
  }
}

Result<Reading> Read(LanguageModel& model, std::span<const Passage> passages,
                     std::string_view question, const ServiceTerms& terms) {
  const ReadingTask task = TRY(ReadingTask::Make(model, passages, question, terms));
  return task.Finish(TRY(model.GenerateAll(task.requests(), nullptr)));
}

}  // namespace kinglet
