// SPDX-License-Identifier: Apache-2.0
// Events come from the engine; each is written out at once.
#include "server/generation_call.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/clock.h"

namespace kinglet {
namespace {

constexpr int kMostRetryAfterS = 60;

}  // namespace

void GenerationCall::Start(GenerationPlan plan, std::unique_ptr<ReplyFormat> format,
                           std::shared_ptr<HttpExchange> exchange, Account account, Done done) {
  const std::shared_ptr<GenerationCall> call(
      new GenerationCall(std::move(plan), std::move(format), std::move(exchange),
                         std::move(account), std::move(done)));
  call->Submit();
}

GenerationCall::GenerationCall(GenerationPlan plan, std::unique_ptr<ReplyFormat> format,
                               std::shared_ptr<HttpExchange> exchange, Account account, Done done)
    : plan_(std::move(plan)),
      format_(std::move(format)),
      exchange_(std::move(exchange)),
      account_(std::move(account)),
      done_(std::move(done)),
      choices_(plan_.requests.size()),
      left_(plan_.requests.size()) {
  outcome_.choices.resize(choices_.size());
  for (Choice& choice : choices_) {
    if (plan_.separates_reasoning) choice.splitter.emplace(plan_.reasoning_begun);
    if (plan_.rules.tool_format) choice.calls.emplace(*plan_.rules.tool_format);
  }
}

void GenerationCall::Submit() {
  // Who hears the first token waits until the head of the answer is out.
  std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const Result<std::uint64_t> id = SubmitChoice(i);
    if (!id) {
      left_ = 0;
      CancelAll();
      return Refuse(id.error());
    }
    choices_[i].id = *id;
  }
  if (!plan_.may_give_up) Begin();
  lock.unlock();
  exchange_->OnGone([weak = weak_from_this()] {
    const auto call = weak.lock();
    if (call == nullptr) return;
    const std::scoped_lock relock(call->mutex_);
    call->outcome_.client_gone = true;
    call->CancelAll();
  });
}

void GenerationCall::Begin() {
  if (!plan_.stream) return;
  exchange_->Begin(200, format_->stream_type(), {{"Cache-Control", "no-cache"}});
  Send(format_->Begin(), /*is_answer=*/false);
}

Result<std::uint64_t> GenerationCall::SubmitChoice(std::size_t index) {
  GenerationRequest& request = plan_.requests[index];
  const auto submit = [&] {
    return plan_.engine->Submit(
        request,
        [self = shared_from_this(), index](GenerationEvent event) {
          self->OnEvent(index, std::move(event));
        },
        &predicted_ms_);
  };
  Result<std::uint64_t> id = submit();
  const bool missed = !id && id.error().code() == StatusCode::kLimitExceeded;
  if (missed && plan_.batch_on_miss && request.terms.first_byte_budget_ms) {
    request.terms.first_byte_budget_ms.reset();
    request.terms.service_class = ServiceClass::kBatch;
    id = submit();
  }
  return id;
}

// Programs that shorten a conversation and try again look for this code, and for these words.
void GenerationCall::TellContext(ApiError& error) const {
  const int context = plan_.engine->context_tokens();
  for (const GenerationRequest& request : plan_.requests) {
    const int count = static_cast<int>(request.prompt.size());
    if (count < context) continue;
    error.code = "context_length_exceeded";
    error.message = fmt::format(
        "the prompt is too long: this model's maximum context length is {} tokens, one of which "
        "is for the answer, and the prompt has {}",
        context, count);
    return;
  }
}

void GenerationCall::Refuse(const Status& status) {
  ApiError error = ApiError::OfStatus(status);
  HttpHeaders headers;
  if (error.status == 400) TellContext(error);
  if (error.status == 429) {
    // Who would have been in time found the queue full.
    const auto& budget = plan_.requests[0].terms.first_byte_budget_ms;
    const bool missed = budget && predicted_ms_ > *budget;
    const double over_ms = predicted_ms_ - (missed ? *budget : 0);
    const int retry_s =
        std::clamp(static_cast<int>(std::ceil(over_ms / 1000)), 1, kMostRetryAfterS);
    headers.emplace_back("Retry-After", std::to_string(retry_s));
    error.code = missed ? "first_byte_budget" : "queue_full";
    if (missed) {
      error.more["predicted_first_byte_ms"] = std::round(predicted_ms_);
      outcome_.refused_prediction_ms = predicted_ms_;
    }
  }
  outcome_.status = error.status;
  outcome_.total_ms = MonotonicMs() - plan_.received_ms;
  outcome_.choices.clear();
  account_(outcome_);
  exchange_->Respond({.status = error.status,
                      .headers = std::move(headers),
                      .body = ToJson(json::value(ToJson(error, format_->dialect())))});
  done_(outcome_);
}

void GenerationCall::CancelAll() {
  for (const Choice& choice : choices_) {
    if (choice.id != 0 && !choice.ended) plan_.engine->Cancel(choice.id);
  }
}

void GenerationCall::Send(std::string piece, bool is_answer) {
  if (piece.empty()) return;
  if (is_answer && outcome_.first_byte_ms == 0) {
    outcome_.first_byte_ms = MonotonicMs() - plan_.received_ms;
  }
  if (exchange_->Write(std::move(piece)) || outcome_.client_gone) return;
  outcome_.client_gone = true;
  CancelAll();
}

void GenerationCall::SendDelta(std::size_t index, const ReplyDelta& delta) {
  if (!plan_.stream || delta.empty()) return;
  const bool is_answer = !delta.text.empty() || !delta.reasoning.empty() || !delta.calls.empty();
  Send(format_->Delta(static_cast<int>(index), delta), is_answer);
}

ReplyDelta GenerationCall::TakeDelta(std::size_t index, GenerationEvent& event) {
  Choice& choice = choices_[index];
  ReplyChoice& reply = outcome_.choices[index];
  ReplyDelta delta;
  delta.odds = std::move(event.odds);
  reply.tokens += static_cast<int>(event.tokens.size());
  if (!choice.splitter || !choice.splitter->thinks()) {
    std::ranges::copy(event.tokens, std::back_inserter(reply.said));
  }
  if (!choice.splitter) {
    delta.text = std::move(event.text);
  } else {
    if (choice.splitter->thinks()) {
      reply.reasoning_tokens += static_cast<int>(event.tokens.size());
    }
    ReasoningSplitter::Parts parts = choice.splitter->Push(event.text);
    if (event.end) {
      const ReasoningSplitter::Parts rest = choice.splitter->Finish();
      parts.text += rest.text;
      parts.reasoning += rest.reasoning;
    }
    delta.text = std::move(parts.text);
    delta.reasoning = std::move(parts.reasoning);
  }
  TakeCalls(index, event.end.has_value(), delta);
  reply.text += delta.text;
  reply.reasoning += delta.reasoning;
  std::ranges::copy(delta.odds, std::back_inserter(reply.odds));
  return delta;
}

void GenerationCall::TakeCalls(std::size_t index, bool is_last, ReplyDelta& delta) {
  std::optional<ToolCallSplitter>& splitter = choices_[index].calls;
  const std::optional<ToolFormat>& format = plan_.rules.tool_format;
  if (!splitter || !format) return;
  std::vector<ToolCall>& calls = outcome_.choices[index].calls;
  std::vector<ToolDelta> parts = splitter->Push(std::exchange(delta.text, {}));
  if (is_last) {
    const std::string_view marker = NotationOf(*format).marker;
    for (ToolDelta& part : splitter->Finish()) {
      // The begin of a call that was cut short is no text.
      const bool is_call_begun = splitter->calls() > 0 || part.text.contains(marker);
      if (part.kind != ToolDelta::Kind::kText || !is_call_begun) parts.push_back(std::move(part));
    }
  }
  for (ToolDelta& part : parts) {
    const bool begins = part.kind == ToolDelta::Kind::kCall;
    if (part.kind == ToolDelta::Kind::kText) delta.text += part.text;
    if (begins) {
      calls.push_back({.id = MakeId("call_"), .name = part.text});
      delta.calls.push_back({.index = part.call, .id = calls.back().id, .name = part.text});
    }
    if (part.kind != ToolDelta::Kind::kArguments) continue;
    calls.back().arguments += part.text;
    if (delta.calls.empty() || delta.calls.back().index != part.call) {
      delta.calls.push_back({.index = part.call});
    }
    delta.calls.back().arguments += part.text;
  }
}

void GenerationCall::CheckRules(ReplyChoice& reply) {
  if (plan_.rules.constraint == nullptr) return;
  // With tools a plain text keeps every rule there is, wherever it ends.
  if (plan_.rules.tool_format && reply.calls.empty() && reply.result.is_whole) return;
  GenerationResult& result = reply.result;
  if (!result.is_whole && result.finish_reason == FinishReason::kStop) {
    result.finish_reason = FinishReason::kLength;
  }
  const bool ended = result.finish_reason == FinishReason::kStop;
  const Result<void> holds =
      ended ? plan_.rules.check->Check(reply.text, reply.calls) : Result<void>();
  if (!holds) outcome_.defect = holds.error().message();
  outcome_.valid = outcome_.valid.value_or(true) && ended && holds;
}

void GenerationCall::OnEvent(std::size_t index, GenerationEvent event) {
  const std::scoped_lock lock(mutex_);
  if (left_ == 0) return;  // it was refused
  const ReplyDelta delta = TakeDelta(index, event);
  if (!plan_.may_give_up) SendDelta(index, delta);
  if (!event.end) return;
  choices_[index].ended = true;
  ReplyChoice& reply = outcome_.choices[index];
  reply.result = *std::move(event.end);
  CheckRules(reply);
  const bool last = --left_ == 0;
  if (last && plan_.may_give_up) {
    outcome_.given_up = !outcome_.valid.value_or(true) && !outcome_.client_gone;
    if (outcome_.given_up) {
      AddUp();
      return done_(outcome_);
    }
    Begin();
    SendDelta(index, {.text = reply.text, .reasoning = reply.reasoning, .odds = reply.odds});
  }
  if (!outcome_.defect.empty()) {
    if (last) FinishDefect();
    return;
  }
  if (last) AddUp();
  if (plan_.stream) {
    Send(format_->ChoiceEnd(static_cast<int>(index), reply, last ? &outcome_.totals : nullptr),
         /*is_answer=*/false);
  }
  if (last) Finish();
}

void GenerationCall::AddUp() {
  ReplyTotals& totals = outcome_.totals;
  // Several choices of one prompt read it once; several prompts are added up.
  const std::vector<TokenId>* before = nullptr;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const ReplyChoice& reply = outcome_.choices[i];
    totals.completion_tokens += reply.tokens;
    totals.reasoning_tokens += reply.reasoning_tokens;
    if (before != nullptr && *before == plan_.requests[i].prompt) continue;
    before = &plan_.requests[i].prompt;
    totals.prompt_tokens += reply.result.prompt_tokens;
    totals.cached_tokens += reply.result.cached_tokens;
  }
  outcome_.total_ms = MonotonicMs() - plan_.received_ms;
  if (!plan_.stream && !outcome_.given_up) outcome_.first_byte_ms = outcome_.total_ms;
  if (outcome_.client_gone) outcome_.status = 499;
  totals.ledger = account_(outcome_);
}

void GenerationCall::FinishDefect() {
  const ApiError error{
      500, "invalid_output",
      "the answer was found to be invalid and is not published: " + outcome_.defect};
  outcome_.status = error.status;
  AddUp();
  const json::object body = ToJson(error, format_->dialect());
  if (plan_.stream) {
    const bool has_events = format_->stream_type() == "text/event-stream";
    Send(has_events ? Event(body, "error") : ToJson(json::value(body)) + "\n", /*is_answer=*/false);
    exchange_->End();
  } else {
    exchange_->Respond({.status = error.status, .body = ToJson(json::value(body))});
  }
  done_(outcome_);
}

void GenerationCall::Finish() {
  const ReplyTotals& totals = outcome_.totals;
  if (plan_.stream) {
    Send(format_->End(outcome_.choices, totals), /*is_answer=*/false);
    exchange_->End();
  } else {
    exchange_->Respond({.body = ToJson(json::value(format_->Whole(outcome_.choices, totals)))});
  }
  done_(outcome_);
}

}  // namespace kinglet
