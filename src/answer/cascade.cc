// SPDX-License-Identifier: Apache-2.0
// The second step is a question like any other; the first one's bill is put on its own.
#include "answer/cascade.h"

#include <utility>

#include "base/clock.h"

namespace kinglet {
namespace {

// The second step.
Result<Answer> AskNext(std::string_view question, const Retriever& retriever, AskOptions options,
                       const NextModel& next, AskEvents events,
                       std::optional<Answer>& undelivered) {
  if (events.cancelled && events.cancelled()) {
    return Error(StatusCode::kCancelled, "interrupted before there was an answer");
  }
  const NextModel::Opened opened = TRY(next.open());
  options.accept.reset();
  options.model_name = next.name;
  options.calibration = opened.calibration;
  // Who was let in is answered; whether in time, the bill says.
  options.terms.first_byte_budget_ms.reset();
  // The passages are those that were told of.
  events.on_passages = nullptr;
  return Ask(question, retriever, opened.model, options, events, &undelivered);
}

}  // namespace

Result<Answer> AskInTurn(std::string_view question, const Retriever& retriever,
                         LanguageModel& model, const AskOptions& options, const NextModel& next,
                         const AskEvents& events, std::optional<Answer>& undelivered) {
  AskOptions timed = options;
  if (!timed.start_ms) timed.start_ms = MonotonicMs();  // of both
  Answer first = TRY(Ask(question, retriever, &model, timed, events, &undelivered));
  if (!first.first || first.first->accepted) return first;
  std::optional<Answer> begun;  // of the second, where it came to no answer
  Result<Answer> answer = AskNext(question, retriever, timed, next, events, begun);
  LedgerLine& line = answer ? answer->ledger : first.ledger;
  if (answer) {
    answer->first = first.first;
    line.AddStep(first.ledger);
  } else {
    first.model = next.name;
    if (begun) line.AddStep(begun->ledger);
    line.delivered = false;
    line.first_byte_ms = line.total_ms = MonotonicMs() - *timed.start_ms;
  }
  if (const auto& budget_ms = options.terms.first_byte_budget_ms) {
    line.in_budget = line.first_byte_ms <= *budget_ms;
  }
  if (!answer) undelivered = std::move(first);
  return answer;
}

}  // namespace kinglet
