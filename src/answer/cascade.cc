// SPDX-License-Identifier: Apache-2.0
// The second step is a question like any other; the first one's bill is put on its own.
#include "answer/cascade.h"

#include <utility>

#include "base/clock.h"

namespace kinglet {
namespace {

// Puts the first step before the answer, which was begun so much later.
void AddFirst(const Answer& first, double later_ms, Answer& answer) {
  answer.first = first.first;
  LedgerLine& line = answer.ledger;
  const LedgerLine& before = first.ledger;
  line.prompt_tokens += before.prompt_tokens;
  line.cached_tokens += before.cached_tokens;
  line.completion_tokens += before.completion_tokens;
  line.first_byte_ms += later_ms;
  line.total_ms += later_ms;
  line.queue_ms += before.queue_ms;
  line.retrieval_ms += before.retrieval_ms;
  line.prefill_ms += before.prefill_ms;
  line.decode_ms += before.decode_ms;
}

}  // namespace

Result<Answer> AskInTurn(std::string_view question, const Retriever& retriever,
                         LanguageModel& model, const AskOptions& options,
                         const OpenNextModel& open_next, const AskEvents& events) {
  const double start_ms = MonotonicMs();
  Answer first = TRY(Ask(question, retriever, &model, options, events));
  if (!first.first || first.first->accepted) return first;
  if (events.cancelled && events.cancelled()) {
    return Error(StatusCode::kCancelled, "interrupted before there was an answer");
  }
  const NextModel next = TRY(open_next());
  AskOptions then = options;
  then.accept.reset();
  then.model_name = next.name;
  then.calibration = next.calibration;
  // Who was let in is answered; whether in time, the bill says.
  then.terms.first_byte_budget_ms.reset();
  // The passages are those that were told of.
  AskEvents rest = events;
  rest.on_passages = nullptr;
  const double later_ms = MonotonicMs() - start_ms;
  Answer answer = TRY(Ask(question, retriever, next.model, then, rest));
  AddFirst(first, later_ms, answer);
  LedgerLine& line = answer.ledger;
  if (const auto& budget_ms = options.terms.first_byte_budget_ms) {
    line.in_budget = line.first_byte_ms <= *budget_ms;
  }
  return answer;
}

}  // namespace kinglet
