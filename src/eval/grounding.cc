// SPDX-License-Identifier: Apache-2.0
// Questions go to the model a few at a time, so that those of one passage read it once.
#include "eval/grounding.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "answer/terms.h"
#include "base/clock.h"
#include "eval/passage_statistics.h"
#include "knowledge/sentences.h"

namespace kinglet {
namespace {

constexpr int kPlainTokens = 32;

// The prompt that people write: the same model without any of Kinglet's means.
Result<GenerationRequest> PlainRequest(const LanguageModel& model,
                                       const PassageQuestion& question) {
  std::string context = "Context:";
  for (const Passage& passage : *question.passages) {
    context += fmt::format("\n{}\n", passage.text);
  }
  const std::vector<ChatMessage> messages = {
      {"system", "You answer questions from the given context."},
      {"user",
       fmt::format("{}\nQuestion: {}\n\nAnswer with a short phrase from the context and nothing "
                   "else. If the answer is not in the context, say \"unanswerable\".",
                   context, question.question)}};
  return GenerationRequest{.prompt = TRY(model.EncodeChat(messages)), .max_tokens = kPlainTokens};
}

// What the model knows by itself.
Result<GenerationRequest> ClosedBookRequest(const LanguageModel& model,
                                            const PassageQuestion& question) {
  const std::vector<ChatMessage> messages = {
      {"system", "You answer questions."},
      {"user", fmt::format("Question: {}\n\nAnswer with a short phrase and nothing else.",
                           question.question)}};
  return GenerationRequest{.prompt = TRY(model.EncodeChat(messages)), .max_tokens = kPlainTokens};
}

bool SaysUnanswerable(std::string_view text) {
  const std::vector<std::string> words = AnswerWords(text);
  return std::ranges::find(words, "unanswerable") != words.end();
}

// The sentence that the span begins in.
std::string SentenceOf(std::string_view passage, const Reading& reading) {
  for (const ByteRange& sentence : SplitSentences(passage)) {
    if (reading.begin >= sentence.begin && reading.begin < sentence.end)
      return std::string(
          passage.substr(sentence.begin, std::max(sentence.end, reading.end) - sentence.begin));
  }
  return reading.text;
}

std::string BestSentence(std::span<const Passage> passages, const std::vector<Term>& terms) {
  std::string best;
  double best_coverage = -1;
  for (const Passage& passage : passages) {
    for (const ByteRange& sentence : SplitSentences(passage.text)) {
      const double coverage = Coverage(terms, StemsOf(sentence.Of(passage.text)));
      if (coverage <= best_coverage) continue;
      best_coverage = coverage;
      best = sentence.Of(passage.text);
    }
  }
  return best;
}

void Judge(const PassageStatistics& statistics, GroundingOutcome& outcome) {
  const std::vector<Passage>& passages = *outcome.question->passages;
  const std::vector<Term> terms = statistics.TermsOf(outcome.question->question);
  StemSet stems;
  for (const Passage& passage : passages) {
    stems.merge(StemsOf(passage.text));
    stems.merge(StemsOf(passage.title));
  }
  outcome.coverage = Coverage(terms, stems);
  outcome.best_sentence = BestSentence(passages, terms);
  if (!outcome.reading.text.empty())
    outcome.quote = SentenceOf(passages[outcome.reading.passage].text, outcome.reading);
  outcome.score = ScoreAnswer(outcome.reading.text, outcome.question->answers);
}

// Questions that are asked together.
struct Batch {
  std::span<const PassageQuestion> questions;
  std::vector<ReadingTask> tasks;           // of each, where they are read
  std::vector<GenerationRequest> requests;  // of each as many, in its order
};

Result<Batch> MakeBatch(const LanguageModel& model, std::span<const PassageQuestion> questions,
                        const GroundingOptions& options) {
  Batch batch{.questions = questions};
  for (const PassageQuestion& question : questions) {
    if (options.reads) {
      batch.tasks.push_back(
          TRY(ReadingTask::Make(model, *question.passages, question.question, {})));
      std::ranges::copy(batch.tasks.back().requests(), std::back_inserter(batch.requests));
    }
    if (options.asks_plainly) batch.requests.push_back(TRY(PlainRequest(model, question)));
    if (options.asks_closed_book) batch.requests.push_back(TRY(ClosedBookRequest(model, question)));
  }
  return batch;
}

// results: of the question's requests.
Result<GroundingOutcome> OutcomeOf(const Batch& batch, std::size_t number,
                                   std::span<const GenerationResult> results,
                                   const GroundingOptions& options) {
  const PassageQuestion& question = batch.questions[number];
  GroundingOutcome outcome{.question = &question};
  auto next = results.begin();
  if (options.reads) {
    outcome.reading = TRY(batch.tasks[number].Finish(results.first(ReadingTask::kRequests)));
    next += ReadingTask::kRequests;
  }
  if (options.asks_plainly) outcome.plain = PlainAnswerOf((next++)->text, question.answers);
  if (options.asks_closed_book) outcome.closed_book = PlainAnswerOf(next->text, question.answers);
  for (const GenerationResult& result : results) {
    outcome.cost.computed_tokens += ComputedTokens(result);
  }
  return outcome;
}

}  // namespace

int ComputedTokens(const GenerationResult& result) {
  return result.prompt_tokens - result.cached_tokens + static_cast<int>(result.tokens.size());
}

PlainAnswer PlainAnswerOf(std::string_view reply, std::span<const std::string> gold) {
  PlainAnswer answer;
  if (!SaysUnanswerable(reply)) answer.text = reply;
  answer.score = ScoreAnswer(answer.text, gold);
  return answer;
}

Result<std::vector<GroundingOutcome>> AskQuestions(LanguageModel& model,
                                                   std::span<const PassageQuestion> questions,
                                                   const GroundingOptions& options,
                                                   std::vector<GroundingOutcome> done,
                                                   const GroundingSink& sink) {
  PassageStatistics statistics;
  for (const PassageQuestion& question : questions) {
    for (const Passage& passage : *question.passages) statistics.Add(passage.text);
  }
  MachineMeter meter(options.power);
  while (done.size() < questions.size()) {
    const auto some =
        questions.subspan(done.size(), std::min(options.at_once, questions.size() - done.size()));
    MachineMeter::Share share = meter.Begin();
    const Batch batch = TRY(MakeBatch(model, some, options));
    const std::vector<GenerationResult> results = TRY(model.GenerateAll(batch.requests, nullptr));
    LedgerLine bill;
    share.End(bill);
    const auto count = static_cast<double>(some.size());
    const std::size_t each = results.size() / some.size();
    for (std::size_t i = 0; i < some.size(); ++i) {
      done.push_back(TRY(OutcomeOf(batch, i, std::span(results).subspan(i * each, each), options)));
      done.back().cost.machine_ms = bill.machine_ms / count;
      done.back().cost.joules = bill.joules.value_or(0) / count;
      Judge(statistics, done.back());
    }
    TRY(sink(std::span(done).last(some.size())));
  }
  return done;
}

}  // namespace kinglet
