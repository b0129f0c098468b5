// SPDX-License-Identifier: Apache-2.0
// The routes that write text: each format is parsed by its own file, then all go the same way.
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "server/anthropic.h"
#include "server/generation_account.h"
#include "server/generation_call.h"
#include "server/hand_over.h"
#include "server/library_chat.h"
#include "server/ollama.h"
#include "server/openai_completions.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxSchemaBytes = std::size_t{16} << 20;

// A model and what is asked of it.
struct Asked {
  std::shared_ptr<ModelLease> lease;
  ParsedGeneration parsed;
};

// The model that the body names, then what `parse` makes of both.
template <typename ParseCall>
ApiResult<Asked> Parse(Server& server, const json::object& body, ParseCall&& parse) {
  ApiResult<ModelLease> lease = AcquireWriter(server, body);
  if (!lease) return std::unexpected(lease.error());
  ApiResult<ParsedGeneration> parsed = parse(body, (*lease)->name(), *(*lease)->engine());
  if (!parsed) return std::unexpected(parsed.error());
  return Asked{std::make_shared<ModelLease>(*std::move(lease)), *std::move(parsed)};
}

// done: hears how it went when all is sent; may be empty.
void Run(Server& server, const Call& call, Asked asked,
         const std::shared_ptr<GenerationAccount>& account, GenerationCall::Done done = {}) {
  auto& [lease, parsed] = asked;
  GenerationPlan& plan = parsed.plan;
  plan.engine = (*lease)->engine();
  plan.batch_on_miss = parsed.fields.batch_on_miss;
  plan.received_ms = call.request.received_ms;
  ServiceTerms terms = TermsOf(server, call, parsed.fields);
  // Who was let in is answered; whether in time, the bill says.
  if (account->has_given_up()) terms.first_byte_budget_ms.reset();
  for (GenerationRequest& request : plan.requests) request.terms = terms;
  plan.keeps_alive = lease;
  GenerationCall::Start(
      std::move(plan), std::move(parsed.format), call.exchange,
      [account, held = lease](const GenerationOutcome& outcome) {
        return account->Enter(outcome, **held);
      },
      [&server, model = (*lease)->name(), service = terms.service_class,
       done = std::move(done)](const GenerationOutcome& outcome) {
        server.metrics().CountGeneration(model, service, outcome);
        if (done) done(outcome);
      });
}

template <typename ParseCall>
void Generate(Server& server, const Call& call, const json::object& body, ParseCall&& parse) {
  ApiResult<Asked> asked = Parse(server, body, parse);
  if (!asked) return ReplyError(call, asked.error());
  const auto account = std::make_shared<GenerationAccount>(server, call, asked->parsed);
  Run(server, call, *std::move(asked), account);
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
  call.admission->CountTokens(entry.line.prompt_tokens + entry.line.completion_tokens);
  WarnOfLedger(server, server.books().Record(entry));
}

// Says the intent's message in the place of a model, none of which is asked.
void Refuse(Server& server, const Call& call, const json::object& body, const Intent& intent) {
  JsonFields fields(body);
  const bool streams = fields.Flag("stream").value_or(false);
  if (const auto error = fields.Finish(); error && error->field == "stream")
    return ReplyError(call, ApiError::OfField(*error));
  MachineMeter::Share share = server.books().Begin();
  LedgerEntry entry = RoutedEntry(call, intent);
  entry.abstained = Name(AbstainReason::kRefused);
  entry.line.first_byte_ms = entry.line.total_ms = MonotonicMs() - call.request.received_ms;
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

// An answer by rules from the model that the body names, or, where that breaks them, from `then`.
void GenerateInTurn(Server& server, const Call& call, json::object body, const std::string& then) {
  ApiResult<Asked> asked = Parse(server, body, ParseChatCompletion);
  if (!asked) return ReplyError(call, asked.error());
  GenerationPlan& plan = asked->parsed.plan;
  if (plan.rules.check == nullptr || plan.rules.tool_format || plan.requests.size() > 1) {
    return ReplyError(call, ApiError::OfField({"kinglet.then", "needs one answer under a schema"}));
  }
  const ApiResult<const OfferedModel*> next = FindWriter(server, then, "kinglet.then");
  if (!next) return ReplyError(call, next.error());
  plan.may_give_up = true;
  const std::shared_ptr<ModelLease> lease = asked->lease;
  const auto account = std::make_shared<GenerationAccount>(
      server, call, asked->parsed, CascadeModels{(*lease)->name(), (*next)->name});
  const auto given_up = std::make_shared<std::promise<bool>>();
  Run(server, call, *std::move(asked), account,
      [given_up](const GenerationOutcome& outcome) { given_up->set_value(outcome.given_up); });
  // Here, for it may take a while: the first model's own thread must not load the next one.
  if (!given_up->get_future().get()) return;
  *lease = ModelLease();  // there may be room for one alone
  body["model"] = then;
  asked = Parse(server, body, ParseChatCompletion);
  if (!asked) {
    account->Fail();
    return ReplyError(call, asked.error());
  }
  Run(server, call, *std::move(asked), account);
}

// `then` of its `kinglet` object, which is taken out; empty: there is none.
ApiResult<std::string> TakeThen(json::object& body) {
  json::value* const own = body.if_contains("kinglet");
  if (own == nullptr || !own->is_object()) return std::string();
  const json::value* const given = own->get_object().if_contains("then");
  const json::object taken = {{"then", given == nullptr ? json::value() : *given}};
  own->get_object().erase("then");
  JsonFields fields(taken, "kinglet");
  std::string then = fields.Text("then").value_or("");
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  return then;
}

void GenerateChat(Server& server, const Call& call, json::object body) {
  const ApiResult<std::string> then = TakeThen(body);
  if (!then) return ReplyError(call, then.error());
  if (!then->empty()) return GenerateInTurn(server, call, std::move(body), *then);
  Generate(server, call, body, ParseChatCompletion);
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
  GenerateChat(server, routed, applied);
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
  GenerateChat(server, call, *body);
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
