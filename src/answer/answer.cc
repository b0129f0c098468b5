// SPDX-License-Identifier: Apache-2.0
// Answer to text and to the JSON of the interface.
#include "answer/answer.h"

#include <fmt/format.h>

namespace kinglet {
json::value ToJson(const std::optional<AnswerSpan>& span) {
  if (!span) return nullptr;
  return json::object{{"quote", span->quote},
                      {"start_byte", span->start_byte},
                      {"end_byte", span->end_byte},
                      {"text", span->text}};
}

std::string Marks(const Claim& claim) {
  std::string marks;
  for (const int quote : claim.quotes) marks += fmt::format("[{}]", quote + 1);
  return marks;
}

json::object ToJson(const Quote& quote) {
  return {{"document", quote.document}, {"title", quote.title},
          {"heading", quote.heading},   {"page", OrNull(quote.page)},
          {"line", OrNull(quote.line)}, {"start_byte", quote.start_byte},
          {"end_byte", quote.end_byte}, {"text", quote.text}};
}

json::object ToJson(const Grounds& grounds) {
  json::array passages;
  for (const Candidate& passage : grounds.passages) {
    passages.push_back(json::object{{"document", passage.document},
                                    {"heading", passage.heading},
                                    {"start_byte", passage.start_byte},
                                    {"end_byte", passage.end_byte},
                                    {"score", passage.score},
                                    {"lexical_rank", OrNull(passage.lexical_rank)},
                                    {"vector_rank", OrNull(passage.vector_rank)},
                                    {"similarity", OrNull(passage.similarity)},
                                    {"read", passage.read}});
  }
  json::object signals;
  for (const auto& [name, value] : grounds.signals) signals[name] = value;
  return {{"passages", std::move(passages)},
          {"coverage", grounds.coverage},
          {"topic", grounds.topic},
          {"signals", grounds.signals.empty() ? json::value() : json::value(std::move(signals))},
          {"answerable", OrNull(grounds.answerable)}};
}

std::string Answer::Text() const {
  std::string text;
  for (const Claim& claim : claims) {
    if (!text.empty()) text += ' ';
    text += claim.text + ' ' + Marks(claim);
  }
  return text;
}

const char* Name(AskMode mode) {
  switch (mode) {
    case AskMode::kQuote:
      return "quote";
    case AskMode::kCite:
      return "cite";
    case AskMode::kChat:
      return "chat";
    case AskMode::kRefuse:
      return "refuse";
  }
  return "";
}

AskMode AskModeOf(std::string_view name) {
  for (const AskMode mode : {AskMode::kQuote, AskMode::kChat}) {
    if (name == Name(mode)) return mode;
  }
  return AskMode::kCite;
}

const char* Name(AbstainReason reason) {
  switch (reason) {
    case AbstainReason::kOffTopic:
      return "off_topic";
    case AbstainReason::kMissing:
      return "missing";
    case AbstainReason::kConflicting:
      return "conflicting";
    case AbstainReason::kUnsupported:
      return "unsupported";
    case AbstainReason::kRefused:
      return "refused";
  }
  return "";
}

const char* Explain(AbstainReason reason) {
  switch (reason) {
    case AbstainReason::kOffTopic:
      return "nothing that was found is about the question";
    case AbstainReason::kMissing:
      return "the library does not say";
    case AbstainReason::kConflicting:
      return "the library contradicts itself";
    case AbstainReason::kUnsupported:
      return "nothing in the library carries an answer";
    case AbstainReason::kRefused:
      return "such questions are not answered here";
  }
  return "";
}

std::optional<double> Sureness(const Answer& answer) {
  if (!answer.calibrated) return std::nullopt;
  if (!answer.abstained) return answer.confidence;
  if (*answer.abstained != AbstainReason::kMissing) return std::nullopt;
  const auto& answerable = answer.grounds.answerable;
  return answerable ? std::optional(1 - *answerable) : std::nullopt;
}

LedgerEntry EntryOf(const Answer& answer, std::int64_t unix_seconds) {
  LedgerEntry entry{.answered_at = unix_seconds,
                    .kind = "ask",
                    .mode = Name(answer.mode),
                    .model = answer.model,
                    .confidence = answer.first ? answer.first->confidence : Sureness(answer),
                    .line = answer.ledger,
                    .question = answer.question,
                    .answer = answer.Text()};
  if (answer.first) entry.first_model = answer.first->model;
  if (answer.abstained) entry.abstained = Name(*answer.abstained);
  if (const auto& route = answer.route; route) entry.intent = route->intent;
  return entry;
}

json::value ToJson(const std::optional<FirstStep>& first) {
  if (!first) return nullptr;
  return json::object{{"first", first->model},
                      {"confidence", OrNull(first->confidence)},
                      {"accepted", first->accepted}};
}

json::object ToJson(const Answer& answer) {
  json::array claims;
  for (const Claim& claim : answer.claims) {
    claims.push_back(json::object{
        {"text", claim.text}, {"quotes", json::array(claim.quotes.begin(), claim.quotes.end())}});
  }
  json::array quotes;
  for (const Quote& quote : answer.quotes) quotes.push_back(ToJson(quote));
  json::array dropped;
  for (const Dropped& text : answer.dropped) {
    dropped.push_back(json::object{{"text", text.text}, {"reason", text.reason}});
  }
  json::array conflicts;
  for (const auto& [one, other] : answer.conflicts) conflicts.push_back(json::array{one, other});
  const bool abstained = answer.abstained.has_value();
  const auto& route = answer.route;
  return {{"question", answer.question},
          {"standalone_question", OrNull(answer.standalone)},
          {"mode", Name(answer.mode)},
          {"answer", abstained ? json::value(nullptr) : json::value(answer.Text())},
          {"abstained", abstained},
          {"reason", abstained ? json::value(Name(*answer.abstained)) : json::value(nullptr)},
          {"message", OrNull(answer.message)},
          {"confidence", answer.confidence},
          {"calibrated", answer.calibrated},
          {"claims", std::move(claims)},
          {"quotes", std::move(quotes)},
          {"span", ToJson(answer.span)},
          {"dropped", std::move(dropped)},
          {"conflicts", std::move(conflicts)},
          {"why", ToJson(answer.grounds)},
          {"route",
           {{"intent", route ? OrNull(route->intent) : json::value()},
            {"confidence", route ? json::value(route->confidence) : json::value()},
            {"model", OrNull(answer.model)},
            {"library", OrNull(answer.library)}}},
          {"cascade", ToJson(answer.first)},
          {"ledger", ToJson(answer.ledger)}};
}

}  // namespace kinglet
