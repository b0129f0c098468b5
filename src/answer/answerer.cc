// SPDX-License-Identifier: Apache-2.0
// Ask reads as its sentence: retrieve, gate, read, write, check, account. What the model reads out
// is shown first, as a quote; its own words follow where a quote carries them.
#include "answer/answerer.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "answer/checker.h"
#include "answer/conflicts.h"
#include "answer/evidence.h"
#include "answer/inquiry.h"
#include "answer/prompt.h"
#include "answer/reader.h"
#include "answer/terms.h"
#include "base/check.h"
#include "base/clock.h"
#include "knowledge/sentences.h"
#include "ledger/useful_tokens.h"

namespace kinglet {
namespace {

constexpr std::size_t kFallbackQuotes = 2;  // where no sentence of the model is carried
constexpr std::size_t kQuoteModeQuotes = 3;

// Tiny models go on with the form of the prompt: a question of their own ends the answer, and what
// stands before the answer is left out.
constexpr std::string_view kEcho = "Question:";
constexpr std::string_view kLabel = "Answer:";

// What grows while a question is worked on.
struct Work {
  Work(Library& library_, const AskEvents& events_, double start_ms_)
      : library(library_), events(events_), start_ms(start_ms_) {}

  Library& library;
  const AskEvents& events;
  const double start_ms;
  Answer answer;

  void Published() {
    if (answer.ledger.first_byte_ms == 0) answer.ledger.first_byte_ms = MonotonicMs() - start_ms;
  }
};

const std::string& AskedQuestion(const Answer& answer) {
  return answer.standalone.empty() ? answer.question : answer.standalone;
}

Result<std::vector<Term>> TermsOf(std::string_view text, Library& library) {
  return FindTerms(text, TRY(library.TermStatistics(text)));
}

// The index of the quote in the answer, after it is compared with the kept text byte for byte;
// nothing when it differs or there is no room left.
Result<std::optional<int>> AddQuote(Work& work, Quote quote) {
  std::vector<Quote>& quotes = work.answer.quotes;
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    if (quotes[i].document == quote.document && quotes[i].start_byte == quote.start_byte &&
        quotes[i].end_byte == quote.end_byte) {
      return static_cast<int>(i);
    }
  }
  if (quotes.size() == kMaxQuotes) return std::nullopt;
  const std::string kept = TRY(work.library.Text(quote.document, quote.start_byte, quote.end_byte));
  if (kept != quote.text) return std::nullopt;
  quotes.push_back(std::move(quote));
  if (!work.answer.abstained) {
    work.Published();
    if (work.events.on_quote) work.events.on_quote(work.answer);
  }
  return static_cast<int>(quotes.size() - 1);
}

void Publish(Work& work, Claim claim) {
  work.answer.claims.push_back(std::move(claim));
  work.Published();
  if (work.events.on_claim) work.events.on_claim(work.answer.claims.back(), work.answer);
}

void Abstain(Work& work, AbstainReason reason) {
  work.answer.abstained = reason;
  work.Published();
}

// A sentence of the model: published with its quote, or dropped with a reason.
Result<void> CheckSentence(Work& work, std::string_view sentence, const std::vector<Term>& question,
                           const Evidence& evidence) {
  if (sentence.starts_with(kLabel)) sentence.remove_prefix(kLabel.size());
  while (sentence.starts_with(' ') || sentence.starts_with('\n')) sentence.remove_prefix(1);
  if (sentence.empty()) return {};
  const std::vector<Term> terms = TRY(TermsOf(sentence, work.library));
  const auto support = FindSupport(terms, question, evidence);
  if (!support) {
    work.answer.dropped.push_back({std::string(sentence), "no quote carries it"});
    return {};
  }
  const Window& window = evidence.windows()[support->window];
  const std::optional<int> quote = TRY(AddQuote(work, evidence.ToQuote(window)));
  if (!quote) {
    work.answer.dropped.push_back({std::string(sentence), "its quote cannot be shown"});
    return {};
  }
  Publish(work, {std::string(sentence), {*quote}});
  return {};
}

// A quote that is its own claim.
Result<void> PublishQuote(Work& work, const Quote& quote) {
  const std::optional<int> index = TRY(AddQuote(work, quote));
  if (index) Publish(work, {quote.text, {*index}});
  return {};
}

bool Overlap(const Quote& a, const Quote& b) {
  return a.document == b.document && a.start_byte < b.end_byte && b.start_byte < a.end_byte;
}

// Until there are `count` claims; what is shown already is not shown again.
Result<void> PublishBestQuotes(Work& work, const std::vector<Term>& question,
                               const Evidence& evidence, std::size_t count) {
  for (const Support& best : BestWindows(question, evidence, count)) {
    const Quote quote = evidence.ToQuote(evidence.windows()[best.window]);
    const bool is_shown = std::ranges::any_of(
        work.answer.quotes, [&](const Quote& other) { return Overlap(quote, other); });
    if (!is_shown && work.answer.claims.size() < count) TRY(PublishQuote(work, quote));
  }
  return {};
}

// The model's text, sentence by sentence.
class SentenceFeed {
 public:
  void Add(std::string_view text) { pending_ += text; }

  // Those that are whole: behind the last of them another has begun.
  template <typename Check>
  Result<void> TakeWhole(Check check) {
    const std::vector<ByteRange> sentences = SplitSentences(pending_);
    if (sentences.size() < 2) return {};
    std::string rest = pending_.substr(sentences.back().begin);
    for (std::size_t i = 0; i + 1 < sentences.size(); ++i) {
      TRY(check(sentences[i].Of(pending_)));
    }
    pending_ = std::move(rest);
    return {};
  }
  template <typename Check>
  Result<void> TakeAll(Check check) {
    for (const ByteRange& sentence : SplitSentences(pending_)) {
      TRY(check(sentence.Of(pending_)));
    }
    pending_.clear();
    return {};
  }

 private:
  std::string pending_;
};

// The smallest window in which the span stands, or begins where none holds it whole.
const Window* CarrierOf(const Reading& reading, const Evidence& evidence) {
  const Window* best = nullptr;
  if (reading.text.empty()) return best;
  const auto rank = [&](const Window& window) {
    return std::pair(window.end < reading.end, window.end - window.begin);
  };
  for (const Window& window : evidence.windows()) {
    if (window.passage != reading.passage || window.begin > reading.begin ||
        window.end <= reading.begin)
      continue;
    if (best == nullptr || rank(window) < rank(*best)) best = &window;
  }
  return best;
}

// Takes what the reading tells into the answer: how sure it is of what.
Result<void> Weigh(Work& work, const Reading& reading, const AskOptions& options,
                   const std::vector<Term>& question, const Evidence& evidence) {
  StemSet stems;
  for (std::size_t i = 0; i < ToRead(evidence.passages()).size(); ++i) {
    const StemSet& of_passage = evidence.passage_stems(i);
    stems.insert(of_passage.begin(), of_passage.end());
  }
  const Calibration* const calibration = options.calibration;
  const Probe none;
  const Probe& probe = calibration == nullptr ? none : calibration->probe;
  if (!probe.weights.empty() && probe.weights.size() != reading.state.size()) {
    return Error(StatusCode::kInvalidInput, "the calibration is of a model {} wide; this is {}",
                 probe.weights.size(), reading.state.size());
  }
  const ConfidenceFeatures features = FeaturesOf(reading, Coverage(question, stems), probe);
  Grounds& grounds = work.answer.grounds;
  for (std::size_t i = 0; i < features.size(); ++i) {
    grounds.signals.emplace_back(kConfidenceFeatures[i], features[i]);
  }
  if (calibration == nullptr) return {};
  grounds.answerable = calibration->answerable.Probability(features);
  work.answer.confidence = calibration->quoted.Probability(features);
  work.answer.calibrated = true;
  return {};
}

// Whether a larger model is to answer instead.
bool IsGivenUp(const Answer& answer) { return answer.first && !answer.first->accepted; }

bool Holds(const Window& outer, const Window& inner) {
  return outer.passage == inner.passage && outer.begin <= inner.begin && inner.end <= outer.end;
}

// What speaks of more of the question than the sentence in which the span stands, by words; null:
// nothing does.
const Window* CloserThan(const Window* carrier, const std::vector<Term>& question,
                         const Evidence& evidence) {
  const auto covers = [&](const Window& window) {
    return Coverage(question, window.stems, &evidence.heading_stems(window.passage));
  };
  const std::vector<Support> best = BestWindows(question, evidence, 1);
  if (best.empty()) return nullptr;
  const Window& window = evidence.windows()[best.front().window];
  return carrier == nullptr || covers(window) > covers(*carrier) ? &window : nullptr;
}

// Shows the sentence in which the span stands, or abstains: it is too likely no answer, and then
// another may come closer; or another contradicts it.
Result<void> ShowReading(Work& work, const Reading& reading, const AskOptions& options,
                         const std::vector<Term>& question, const Evidence& evidence) {
  TRY(Weigh(work, reading, options, question, evidence));
  if (const auto& accept = options.accept) {
    // The calibrated answer, or the abstention, that it would come to.
    Answer& answer = work.answer;
    const bool is_missing = answer.confidence < 1 - options.risk;
    const double sure = is_missing ? 1 - answer.grounds.answerable.value_or(1) : answer.confidence;
    answer.first = FirstStep{options.model_name, sure, sure >= *accept};
    if (!answer.first->accepted) return {};
  }
  const Window* carrier = CarrierOf(reading, evidence);
  std::vector<std::size_t> conflicts;
  if (carrier != nullptr) conflicts = FindConflicts(*carrier, reading.text, question, evidence);
  if (work.answer.calibrated && work.answer.confidence < 1 - options.risk) {
    work.answer.dropped.push_back(
        {reading.text,
         fmt::format("that it answers has a probability of {:.2f} alone", work.answer.confidence)});
    Abstain(work, AbstainReason::kMissing);
    if (const Window* const closer = CloserThan(carrier, question, evidence)) {
      TRY(AddQuote(work, evidence.ToQuote(*closer)));
      if (carrier != nullptr && Holds(*closer, *carrier)) carrier = closer;
    }
  } else if (!conflicts.empty()) {
    Abstain(work, AbstainReason::kConflicting);
  }
  if (carrier == nullptr) return {};
  const Passage& passage = evidence.passages()[reading.passage];
  const std::size_t end = std::min(reading.end, carrier->end);
  // Before its quote, which is the first, is told of.
  work.answer.span =
      AnswerSpan{.start_byte = passage.start_byte + static_cast<std::int64_t>(reading.begin),
                 .end_byte = passage.start_byte + static_cast<std::int64_t>(end),
                 .text = reading.text.substr(0, end - reading.begin)};
  const std::optional<int> quote = TRY(AddQuote(work, evidence.ToQuote(*carrier)));
  if (!quote) {
    work.answer.span.reset();
    return {};
  }
  work.answer.span->quote = *quote;
  for (const std::size_t window : conflicts) {
    const auto other = TRY(AddQuote(work, evidence.ToQuote(evidence.windows()[window])));
    if (other) work.answer.conflicts.emplace_back(*quote, *other);
  }
  return {};
}

void CountTokens(const GenerationResult& result, LedgerLine& line) {
  line.prompt_tokens += result.prompt_tokens;
  line.cached_tokens += result.cached_tokens;
  line.completion_tokens += static_cast<int>(result.tokens.size());
}

// All that was asked of the model goes on the bill as one: it waits until the first begins, reads
// until the last is read, and writes to the end. What never began has only waited.
void Book(std::span<const GenerationResult> results, LedgerLine& line) {
  double begin_ms = std::numeric_limits<double>::infinity(), read_ms = 0, end_ms = 0;
  for (const GenerationResult& result : results) {
    CountTokens(result, line);
    const double first_ms = result.queue_ms + result.prefill_ms;
    end_ms = std::max(end_ms, first_ms + result.decode_ms);
    if (result.prefill_ms <= 0) continue;
    begin_ms = std::min(begin_ms, result.queue_ms);
    read_ms = std::max(read_ms, first_ms);
  }
  line.queue_ms = std::min(begin_ms, end_ms);
  line.prefill_ms = std::max(read_ms - line.queue_ms, 0.0);
  line.decode_ms = end_ms - line.queue_ms - line.prefill_ms;
}

// The draft, in the same steps as the reading. Its sentences are looked at behind the reading,
// which is mostly there before the first of them. Gives how the last of all ended.
Result<FinishReason> ReadAndWrite(Work& work, LanguageModel& model, const AskOptions& options,
                                  const std::vector<Term>& question, const Evidence& evidence) {
  const std::string& asked = AskedQuestion(work.answer);
  const std::span<const Passage> passages = ToRead(evidence.passages());
  const ReadingTask reading = TRY(ReadingTask::Make(model, passages, asked, options.terms));
  std::vector<GenerationRequest> requests(reading.requests().begin(), reading.requests().end());
  if (options.mode != AskMode::kQuote) {
    const auto messages = BuildMessages(passages, asked, kAskSentence);
    requests.push_back({.prompt = TRY(model.EncodeChat(messages)),
                        .sampling = options.sampling,
                        .max_tokens = options.max_tokens,
                        .stop = options.stop,
                        .terms = options.terms});
    requests.back().stop.emplace_back(kEcho);
  }
  for (GenerationRequest& request : requests) request.interrupted = work.events.cancelled;

  std::vector<GenerationResult> read(ReadingTask::kRequests);
  std::size_t to_read = ReadingTask::kRequests;
  SentenceFeed feed;
  const auto check = [&](std::string_view sentence) -> Result<void> {
    if (work.answer.abstained || IsGivenUp(work.answer)) return {};
    return CheckSentence(work, sentence, question, evidence);
  };
  const auto hear = [&](std::size_t request, std::string_view text,
                        const GenerationResult* end) -> Result<void> {
    if (request == ReadingTask::kRequests) {
      feed.Add(text);
    } else if (end != nullptr) {
      read[request] = *end;
      if (--to_read > 0) return {};
      const Reading whole = TRY(reading.Finish(read));
      TRY(ShowReading(work, whole, options, question, evidence));
    }
    if (to_read > 0) return {};
    return feed.TakeWhole(check);
  };
  Result<void> heard;
  const auto results = TRY(model.GenerateAll(
      requests, [&](std::size_t request, std::string_view text, const GenerationResult* end) {
        heard = hear(request, text, end);
        return heard.has_value() && !work.answer.abstained && !IsGivenUp(work.answer) &&
               !(work.events.cancelled && work.events.cancelled());
      }));
  Book(results, work.answer.ledger);
  TRY(std::move(heard));
  const GenerationResult& last = results.back();
  if (options.mode == AskMode::kQuote) return last.finish_reason;
  work.answer.draft_tokens = static_cast<int>(last.tokens.size());
  work.answer.is_cut = last.finish_reason == FinishReason::kLength && !work.answer.abstained;
  // A sentence that the token limit cut off is no sentence.
  if (last.finish_reason == FinishReason::kStop) TRY(feed.TakeAll(check));
  return last.finish_reason;
}

Result<void> Generate(Work& work, LanguageModel& model, const AskOptions& options,
                      const std::vector<Term>& question, const Evidence& evidence) {
  const FinishReason ended = TRY(ReadAndWrite(work, model, options, question, evidence));
  if (ended == FinishReason::kCancelled && !work.answer.abstained && !IsGivenUp(work.answer) &&
      work.answer.claims.empty()) {
    return Error(StatusCode::kCancelled, "interrupted before there was an answer");
  }
  if (IsGivenUp(work.answer)) return {};
  std::string shown;
  for (const Claim& claim : work.answer.claims) shown += (shown.empty() ? "" : " ") + claim.text;
  if (!work.answer.abstained && work.answer.claims.empty() && work.answer.span) {
    const AnswerSpan& span = *work.answer.span;
    shown = span.text;
    const Quote& quote = work.answer.quotes[static_cast<std::size_t>(span.quote)];
    Publish(work, {quote.text, {span.quote}});
    TRY(PublishBestQuotes(work, question, evidence, kFallbackQuotes));
  }
  LedgerLine& line = work.answer.ledger;
  const int useful = CountUsefulTokens(model, model.EncodeText(shown), "", TextForm::kProse);
  line.useful_tokens = std::min(useful, line.completion_tokens);
  return {};
}

void Account(Work& work, const AskOptions& options, bool is_answered) {
  LedgerLine& line = work.answer.ledger;
  line.total_ms = MonotonicMs() - work.start_ms;
  if (line.first_byte_ms == 0) line.first_byte_ms = line.total_ms;  // nothing was shown
  line.delivered = is_answered;
  if (is_answered && !IsGivenUp(work.answer)) line.kept = !work.answer.abstained;
  if (const auto& budget_ms = options.terms.first_byte_budget_ms) {
    line.in_budget = line.first_byte_ms <= *budget_ms;
  }
}

// The question as it is understood, and what is found for it.
Result<Inquiry> Retrieve(Work& work, const Retriever& retriever, LanguageModel* model,
                         const AskOptions& options) {
  Answer& answer = work.answer;
  const bool is_behind = options.mode == AskMode::kChat && !options.turns.empty();
  Inquiry inquiry = is_behind ? TRY(InquireBehind(options.turns, answer.question, retriever, *model,
                                                  options.terms, work.events.cancelled))
                              : TRY(Inquire(answer.question, retriever));
  if (inquiry.question != answer.question) answer.standalone = inquiry.question;
  answer.ledger.retrieval_ms = inquiry.retrieval_ms;
  CountTokens(inquiry.written, answer.ledger);
  const std::span<const Passage> passages = inquiry.evidence.passages();
  const std::size_t read = model == nullptr ? 0 : ToRead(passages).size();
  for (const Passage& passage : passages) {
    answer.grounds.passages.push_back({.document = passage.document,
                                       .heading = passage.heading,
                                       .start_byte = passage.start_byte,
                                       .end_byte = passage.end_byte,
                                       .score = passage.score,
                                       .lexical_rank = passage.lexical_rank,
                                       .vector_rank = passage.vector_rank,
                                       .similarity = passage.similarity,
                                       .read = answer.grounds.passages.size() < read});
  }
  answer.confidence = inquiry.gate.answers;
  answer.grounds.coverage = inquiry.gate.coverage;
  answer.grounds.topic = inquiry.gate.topic;
  if (work.events.on_passages) work.events.on_passages(answer);
  return inquiry;
}

// Abstains as the gate does, with what comes closest for whoever knows better.
Result<void> TurnAway(Work& work, AbstainReason reason, const Inquiry& inquiry) {
  work.answer.dropped.push_back({"", inquiry.gate.explanation});
  Abstain(work, reason);
  const Evidence& evidence = inquiry.evidence;
  if (const auto window = ClosestWindow(inquiry.terms, evidence))
    TRY(AddQuote(work, evidence.ToQuote(evidence.windows()[*window])));
  return {};
}

Result<void> FindAnswer(Work& work, const Retriever& retriever, LanguageModel* model,
                        const AskOptions& options) {
  const Inquiry inquiry = TRY(Retrieve(work, retriever, model, options));
  const std::vector<Term>& terms = inquiry.terms;
  const Evidence& evidence = inquiry.evidence;
  // Who takes any risk has the model read whatever was found.
  const bool takes_any = options.risk >= 1 && model != nullptr && !evidence.passages().empty();
  if (inquiry.gate.abstain && !takes_any) {
    if (options.accept) work.answer.first = FirstStep{options.model_name, std::nullopt, true};
    TRY(TurnAway(work, *inquiry.gate.abstain, inquiry));
  } else if (model == nullptr) {
    TRY(PublishBestQuotes(work, terms, evidence, kQuoteModeQuotes));
  } else {
    TRY(Generate(work, *model, options, terms, evidence));
    if (!work.answer.abstained && !IsGivenUp(work.answer) && work.answer.claims.empty()) {
      TRY(PublishBestQuotes(work, terms, evidence, kFallbackQuotes));
    }
  }
  if (!work.answer.abstained && !IsGivenUp(work.answer) && work.answer.claims.empty())
    Abstain(work, AbstainReason::kUnsupported);
  return {};
}

}  // namespace

Result<Answer> Ask(std::string_view question, const Retriever& retriever, LanguageModel* model,
                   const AskOptions& options, const AskEvents& events,
                   std::optional<Answer>* undelivered) {
  if (question.size() > kMaxQuestionBytes) {
    return Error(StatusCode::kUsage, "a question of {} bytes, more than the limit of {}",
                 question.size(), kMaxQuestionBytes);
  }
  Work work(retriever.library, events, options.start_ms.value_or(MonotonicMs()));
  work.answer.question = question;
  work.answer.mode = options.mode;
  work.answer.model = model == nullptr ? "" : options.model_name;
  work.answer.library = options.library_name;
  work.answer.route = options.route;

  KINGLET_CHECK(options.mode != AskMode::kRefuse, "nobody is to be asked");
  KINGLET_CHECK(model != nullptr || options.mode == AskMode::kQuote, "no model");
  const Result<void> answered = FindAnswer(work, retriever, model, options);
  Account(work, options, answered.has_value());
  if (answered) return std::move(work.answer);
  const bool has_worked = work.answer.ledger.prompt_tokens > 0;
  if (undelivered != nullptr && has_worked) *undelivered = std::move(work.answer);
  return std::unexpected(answered.error());
}

}  // namespace kinglet
