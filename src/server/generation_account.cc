// SPDX-License-Identifier: Apache-2.0
// From what became of a request to its row.
#include "server/generation_account.h"

#include <algorithm>
#include <utility>

#include "answer/answer.h"
#include "base/clock.h"
#include "ledger/useful_tokens.h"

namespace kinglet {
namespace {

const char* ModeOf(const std::optional<bool>& valid) { return valid ? "format" : "text"; }

LedgerLine LineOf(const GenerationOutcome& outcome, const LanguageModel& model) {
  const ReplyTotals& totals = outcome.totals;
  LedgerLine line{
      .prompt_tokens = totals.prompt_tokens,
      .cached_tokens = totals.cached_tokens,
      .completion_tokens = totals.completion_tokens,
      // Where nothing was said, that comes out at the end.
      .first_byte_ms = outcome.first_byte_ms == 0 ? outcome.total_ms : outcome.first_byte_ms,
      .total_ms = outcome.total_ms,
      .valid = outcome.valid,
      .delivered = !outcome.client_gone};
  for (const ReplyChoice& choice : outcome.choices) {
    line.queue_ms = std::max(line.queue_ms, choice.result.queue_ms);
    line.prefill_ms = std::max(line.prefill_ms, choice.result.prefill_ms);
    line.decode_ms = std::max(line.decode_ms, choice.result.decode_ms);
    line.useful_tokens +=
        CountUsefulTokens(model, choice.said, choice.result.stop,
                          outcome.valid ? TextForm::kStructured : TextForm::kProse);
  }
  return line;
}

}  // namespace

GenerationAccount::GenerationAccount(Server& server, const Call& call,
                                     const ParsedGeneration& parsed,
                                     std::optional<CascadeModels> cascade)
    : server_(server),
      admission_(call.admission),
      kind_(KindOf(call)),
      question_(parsed.question),
      intent_(call.taken == nullptr ? std::nullopt : call.taken->route.intent),
      route_(RouteOf(call)),
      budget_ms_(TermsOf(server, call, parsed.fields).first_byte_budget_ms),
      received_ms_(call.request.received_ms),
      cascade_(std::move(cascade)),
      share_(server.books().Begin()) {}

json::object GenerationAccount::Enter(const GenerationOutcome& outcome, LoadedModel& model) {
  if (outcome.choices.empty()) {
    Fail();
    return {};
  }
  LedgerLine line = LineOf(outcome, *model.engine());
  if (outcome.given_up) {
    given_up_ = std::move(line);
    return {};
  }
  return Write({.mode = ModeOf(outcome.valid),
                .model = model.name(),
                .model_digest = model.digest(),
                .line = std::move(line),
                .answer = outcome.choices.front().text});
}

void GenerationAccount::Fail() {
  if (!given_up_ || !cascade_) return;
  const double total_ms = MonotonicMs() - received_ms_;
  Write({.mode = ModeOf(given_up_->valid),
         .model = cascade_->next,
         .line = {.first_byte_ms = total_ms,
                  .total_ms = total_ms,
                  .valid = given_up_->valid,
                  .delivered = false}});
}

json::object GenerationAccount::Write(LedgerEntry entry) {
  entry.answered_at = UnixSeconds();
  entry.kind = kind_;
  entry.intent = intent_;
  entry.question = question_;
  LedgerLine& line = entry.line;
  if (budget_ms_) line.in_budget = line.first_byte_ms <= *budget_ms_;
  if (cascade_) entry.first_model = cascade_->first;
  if (given_up_) line.AddStep(*given_up_);
  // Before the answer's end: the next request is held against it.
  admission_->CountTokens(line.prompt_tokens + line.completion_tokens);
  CloseAccount(server_, share_, entry);
  json::object told = ToJson(line);
  if (!route_.is_null()) told["route"] = route_;
  if (cascade_) {
    told["cascade"] = ToJson(FirstStep{.model = cascade_->first, .accepted = !given_up_});
  }
  return told;
}

}  // namespace kinglet
