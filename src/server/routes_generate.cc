// SPDX-License-Identifier: Apache-2.0
// The routes that write text: each format is parsed by its own file, then all go the same way.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "ledger/useful_tokens.h"
#include "server/anthropic.h"
#include "server/generation_call.h"
#include "server/hand_over.h"
#include "server/library_chat.h"
#include "server/ollama.h"
#include "server/openai_completions.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxSchemaBytes = std::size_t{16} << 20;

// The row of an answer, but for what its books put on it.
LedgerEntry EntryOf(const GenerationOutcome& outcome, const LanguageModel& model,
                    const std::optional<double>& budget_ms) {
  const ReplyTotals& totals = outcome.totals;
  LedgerEntry entry{.answered_at = UnixSeconds(), .mode = outcome.valid ? "format" : "text"};
  LedgerLine& line = entry.line;
  line.prompt_tokens = totals.prompt_tokens;
  line.cached_tokens = totals.cached_tokens;
  line.completion_tokens = totals.completion_tokens;
  line.first_byte_ms = outcome.first_byte_ms;
  line.total_ms = outcome.total_ms;
  line.valid = outcome.valid;
  if (budget_ms) line.in_budget = outcome.first_byte_ms <= *budget_ms;
  line.delivered = !outcome.client_gone;
  for (const ReplyChoice& choice : outcome.choices) {
    line.queue_ms = std::max(line.queue_ms, choice.result.queue_ms);
    line.prefill_ms = std::max(line.prefill_ms, choice.result.prefill_ms);
    line.decode_ms = std::max(line.decode_ms, choice.result.decode_ms);
    line.useful_tokens +=
        CountUsefulTokens(model, choice.said, choice.result.stop,
                          outcome.valid ? TextForm::kStructured : TextForm::kProse);
  }
  entry.answer = outcome.choices.front().text;
  return entry;
}

void Run(Server& server, const Call& call, ApiResult<ParsedGeneration> parsed,
         const std::shared_ptr<ModelLease>& lease) {
  if (!parsed) return ReplyError(call, parsed.error());
  GenerationPlan& plan = parsed->plan;
  plan.engine = (*lease)->engine();
  plan.batch_on_miss = parsed->fields.batch_on_miss;
  plan.received_ms = call.request.received_ms;
  const ServiceTerms terms = TermsOf(server, call, parsed->fields);
  for (GenerationRequest& request : plan.requests) request.terms = terms;
  plan.keeps_alive = lease;
  const std::string model = (*lease)->name();
  // Dropped with a request that is refused.
  const auto share = std::make_shared<MachineMeter::Share>(server.books().Begin());
  GenerationCall::Start(
      std::move(plan), std::move(parsed->format), call.exchange,
      [&server, lease, share, admission = call.admission, kind = KindOf(call),
       question = std::move(parsed->question), taken = call.taken, route = RouteOf(call),
       budget = terms.first_byte_budget_ms](const GenerationOutcome& outcome) {
        // Before the answer's end: the next request is held against it.
        admission->CountTokens(outcome.totals.prompt_tokens + outcome.totals.completion_tokens);
        LedgerEntry entry = EntryOf(outcome, *(*lease)->engine(), budget);
        entry.kind = kind;
        entry.model = (*lease)->name();
        entry.model_digest = (*lease)->digest();
        entry.question = question;
        if (taken != nullptr) entry.intent = taken->route.intent;
        CloseAccount(server, *share, entry);
        json::object ledger = ToJson(entry.line);
        if (!route.is_null()) ledger["route"] = route;
        return ledger;
      },
      [&server, model, service = terms.service_class](const GenerationOutcome& outcome) {
        server.metrics().CountGeneration(model, service, outcome);
      });
}

// The model that the body names, then what `parse` makes of both.
template <typename ParseCall>
void Generate(Server& server, const Call& call, const json::object& body, ParseCall&& parse) {
  ApiResult<ModelLease> acquired = AcquireWriter(server, body);
  if (!acquired) return ReplyError(call, acquired.error());
  const auto lease = std::make_shared<ModelLease>(*std::move(acquired));
  ApiResult<ParsedGeneration> parsed = parse(body, (*lease)->name(), *(*lease)->engine());
  Run(server, call, std::move(parsed), lease);
}

template <typename ParseCall>
void Generate(Server& server, const Call& call, ParseCall&& parse) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  Generate(server, call, *body, parse);
}

LedgerEntry RoutedEntry(const Call& call, const Intent& intent) {
  LedgerEntry entry{.answered_at = UnixSeconds(), .mode = std::string(NameOf(intent.mode))};
  entry.kind = KindOf(call);
  entry.intent = call.taken->route.intent;
  entry.question = call.taken->text;
  return entry;
}

// The row of what another server has answered.
void CountHandedOver(Server& server, const Call& call, const Intent& intent,
                     const IntentEndpoint& endpoint, const HandedOver& outcome) {
  LedgerEntry entry = RoutedEntry(call, intent);
  entry.model = endpoint.model;
  entry.line = BillOf(outcome, endpoint);
  WarnOfLedger(server, server.books().Record(entry));
}

// Says the intent's message in the place of a model, none of which is asked.
void Refuse(Server& server, const Call& call, const json::object& body, const Intent& intent) {
  JsonFields fields(body);
  const bool streams = fields.Flag("stream").value_or(false);
  if (const auto error = fields.Finish(); error && error->field == "stream")
    return ReplyError(call, ApiError::OfField(*error));
  const double start_ms = MonotonicMs();
  MachineMeter::Share share = server.books().Begin();
  LedgerEntry entry = RoutedEntry(call, intent);
  entry.abstained = Name(AbstainReason::kRefused);
  entry.line.first_byte_ms = entry.line.total_ms = MonotonicMs() - start_ms;
  CloseAccount(server, share, entry);
  ReplyTotals totals{.ledger = ToJson(entry.line)};
  totals.ledger["route"] = RouteOf(call);
  ReplyChoice choice{.text = intent.message};
  choice.result.finish_reason = FinishReason::kStop;
  const auto format = MakeChatFormat(std::string(kAutoModel), nullptr, /*include_usage=*/true);
  if (!streams) return Reply(call, format->Whole({&choice, 1}, totals));
  call.exchange->Begin(200, format->stream_type(), {{"Cache-Control", "no-cache"}});
  call.exchange->Write(format->Begin() + format->Delta(0, {.text = choice.text}) +
                       format->ChoiceEnd(0, choice, &totals) + format->End({&choice, 1}, totals));
  call.exchange->End();
}

// What the schema file of an intent says now.
Result<json::value> SchemaOf(const Intent& intent) {
  if (intent.mode != IntentMode::kExtract) return json::value();
  return ParseJson(TRY(ReadFile(intent.schema, kMaxSchemaBytes)));
}

// The intent of the last message says what answers.
void HandleRoutedChat(Server& server, const Call& call, const json::object& body) {
  const ApiResult<std::string> text = TextToRoute(body);
  if (!text) return ReplyError(call, text.error());
  const ApiResult<Call> followed = FollowRoute(server, call, *text);
  if (!followed) return ReplyError(call, followed.error());
  const Call& routed = *followed;
  const Intent& intent = routed.taken->uses;
  if (intent.mode == IntentMode::kRefuse) return Refuse(server, routed, body, intent);
  if (const auto& endpoint = routed.taken->endpoint; endpoint) {
    const auto handed = HandOver(*endpoint, body, *call.exchange, call.request.received_ms,
                                 [&](const HandedOver& outcome) {
                                   CountHandedOver(server, routed, intent, *endpoint, outcome);
                                 });
    if (!handed) ReplyError(call, handed.error());
    return;
  }
  const Result<json::value> schema = SchemaOf(intent);
  if (!schema) return ReplyError(call, ApiError::OfStatus(schema.error()));
  const json::object applied = ApplyIntent(body, intent, *schema);
  if (NamesLibrary(applied)) return HandleLibraryChat(server, routed, applied);
  Generate(server, routed, applied, ParseChatCompletion);
}

// Ollama's clients load a model ahead of need by a request that says nothing.
bool LoadsOnly(const json::object& body, std::string_view said) {
  const json::value* const value = body.if_contains(said);
  return value == nullptr || value->is_null() ||
         (value->is_string() && value->get_string().empty()) ||
         (value->is_array() && value->get_array().empty());
}

void LoadModel(Server& server, const Call& call, const json::object& body, bool is_chat) {
  JsonFields fields(body);
  fields.Ignore({"model", "prompt", "messages", "stream", "keep_alive", "options", "tools"});
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const ApiResult<ModelLease> lease = AcquireModel(server, body);
  if (!lease) return ReplyError(call, lease.error());
  json::object loaded = {{"model", (*lease)->name()}, {"created_at", Iso8601(UnixSeconds())}};
  if (is_chat) {
    loaded["message"] = json::object{{"role", "assistant"}, {"content", ""}};
  } else {
    loaded["response"] = "";
  }
  loaded["done"] = true;
  loaded["done_reason"] = "load";
  Reply(call, loaded);
}

}  // namespace

void HandleChatCompletions(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  if (AsksForRoute(*body) && server.router().has_router()) {
    return HandleRoutedChat(server, call, *body);
  }
  if (NamesLibrary(*body)) return HandleLibraryChat(server, call, *body);
  Generate(server, call, *body, ParseChatCompletion);
}

void HandleCompletions(Server& server, const Call& call) {
  Generate(server, call, ParseCompletion);
}

void HandleMessages(Server& server, const Call& call) {
  Generate(server, call, ParseAnthropicMessages);
}

void HandleOllamaChat(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  if (LoadsOnly(*body, "messages")) return LoadModel(server, call, *body, /*is_chat=*/true);
  Generate(server, call, *body, ParseOllamaChat);
}

void HandleOllamaGenerate(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  if (LoadsOnly(*body, "prompt")) return LoadModel(server, call, *body, /*is_chat=*/false);
  Generate(server, call, *body, ParseOllamaGenerate);
}

void HandleResponses(Server& server, const Call& call) {
  const std::string owner = call.admission->key_name();
  Generate(server, call,
           [&](const json::object& body, const std::string& model, const Engine& engine) {
             return ParseResponse(body, model, engine, server.responses(), owner);
           });
}

void HandleGetResponse(Server& server, const Call& call) {
  const auto remembered = server.responses().Recall(call.tail, call.admission->key_name());
  if (!remembered) return ReplyError(call, ApiError::NotFound("this response is not remembered"));
  Reply(call, remembered->response);
}

void HandleDeleteResponse(Server& server, const Call& call) {
  if (!server.responses().Forget(call.tail, call.admission->key_name())) {
    return ReplyError(call, ApiError::NotFound("this response is not remembered"));
  }
  Reply(call, {{"id", call.tail}, {"object", "response"}, {"deleted", true}});
}

void HandleCountTokens(Server& server, const Call& call) {
  ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  const ApiResult<ModelLease> lease = AcquireWriter(server, *body);
  if (!lease) return ReplyError(call, lease.error());
  (*body)["max_tokens"] = 1;
  const auto parsed = ParseAnthropicMessages(*body, (*lease)->name(), *(*lease)->engine());
  if (!parsed) return ReplyError(call, parsed.error());
  Reply(call, {{"input_tokens", parsed->fields.request.prompt.size()}});
}

}  // namespace kinglet
