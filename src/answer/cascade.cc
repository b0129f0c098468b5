// SPDX-License-Identifier: Apache-2.0
// The second step is a question like any other; the first one's bill is put on its own.
#include "answer/cascade.h"

#include <utility>

#include "base/clock.h"

namespace kinglet {
namespace {

// The second step.
Result<Answer> AskNext(std::string_view question, const Retriever& retriever, AskOptions options,
                       const NextModel& next, AskEvents events) {
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
  return Ask(question, retriever, opened.model, options, events);
}

}  // namespace

Result<Answer> AskInTurn(std::string_view question, const Retriever& retriever,
                         LanguageModel& model, const AskOptions& options, const NextModel& next,
                         const AskEvents& events, std::optional<Answer>& undelivered) {
  const double start_ms = MonotonicMs();
  Answer first = TRY(Ask(question, retriever, &model, options, events));
  if (!first.first || first.first->accepted) return first;
  Result<Answer> answer = AskNext(question, retriever, options, next, events);
  const double total_ms = MonotonicMs() - start_ms;
  LedgerLine& line = answer ? answer->ledger : first.ledger;
  if (answer) {
    answer->first = first.first;
    line.AddStep(first.ledger);
    line.first_byte_ms += total_ms - line.total_ms;
  } else {
    first.model = next.name;
    line.delivered = false;
    line.first_byte_ms = total_ms;
  }
  line.total_ms = total_ms;
  if (const auto& budget_ms = options.terms.first_byte_budget_ms) {
    line.in_budget = line.first_byte_ms <= *budget_ms;
  }
  if (!answer) undelivered = std::move(first);
  return answer;
}

}  // namespace kinglet
