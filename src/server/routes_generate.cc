// SPDX-License-Identifier: Apache-2.0
// The routes that write text: each format is parsed by its own file, then all go the same way.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
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

// Where a small model has been asked before.
struct FirstTry {
  std::string model;
  GenerationResult result;
  std::shared_ptr<MachineMeter::Share> share;  // of both steps
  bool accepted = false;
};

// Puts it on the bill of the answer that is given in its stead.
void AddFirst(const FirstTry& first, LedgerLine& line) {
  line.prompt_tokens += first.result.prompt_tokens;
  line.cached_tokens += first.result.cached_tokens;
  line.completion_tokens += static_cast<int>(first.result.tokens.size());
  line.queue_ms += first.result.queue_ms;
  line.prefill_ms += first.result.prefill_ms;
  line.decode_ms += first.result.decode_ms;
}

// Writes the row; what it gives is the answer's `kinglet` object.
GenerationCall::Account MakeAccount(Server& server, const Call& call,
                                    const ParsedGeneration& parsed,
                                    const std::shared_ptr<ModelLease>& lease,
                                    const std::shared_ptr<MachineMeter::Share>& share,
                                    std::optional<FirstTry> first) {
  return
      [&server, lease, share, first = std::move(first), admission = call.admission,
       kind = KindOf(call), question = parsed.question, taken = call.taken, route = RouteOf(call),
       budget = TermsOf(server, call, parsed.fields).first_byte_budget_ms](
          const GenerationOutcome& outcome) {
        LedgerEntry entry = EntryOf(outcome, *(*lease)->engine(), budget);
        entry.kind = kind;
        entry.model = (*lease)->name();
        entry.model_digest = (*lease)->digest();
        entry.question = question;
        if (taken != nullptr) entry.intent = taken->route.intent;
        if (first) entry.first_model = first->model;
        if (first && !first->accepted) AddFirst(*first, entry.line);
        // Before the answer's end: the next request is held against it.
        admission->CountTokens(entry.line.prompt_tokens + entry.line.completion_tokens);
        CloseAccount(server, *share, entry);
        json::object ledger = ToJson(entry.line);
        if (!route.is_null()) ledger["route"] = route;
        if (first) {
          ledger["cascade"] = json::object{
              {"first", first->model}, {"confidence", nullptr}, {"accepted", first->accepted}};
        }
        return ledger;
      };
}

void Run(Server& server, const Call& call, ApiResult<ParsedGeneration> parsed,
         const std::shared_ptr<ModelLease>& lease, std::optional<FirstTry> first = {}) {
  if (!parsed) return ReplyError(call, parsed.error());
  GenerationPlan& plan = parsed->plan;
  plan.engine = (*lease)->engine();
  plan.batch_on_miss = parsed->fields.batch_on_miss;
  plan.received_ms = call.request.received_ms;
  ServiceTerms terms = TermsOf(server, call, parsed->fields);
  // Who was let in is answered; whether in time, the bill says.
  if (first) terms.first_byte_budget_ms.reset();
  for (GenerationRequest& request : plan.requests) request.terms = terms;
  plan.keeps_alive = lease;
  const std::string model = (*lease)->name();
  // Dropped with a request that is refused.
  const auto share =
      first ? first->share : std::make_shared<MachineMeter::Share>(server.books().Begin());
  GenerationCall::Account account =
      MakeAccount(server, call, *parsed, lease, share, std::move(first));
  GenerationCall::Start(
      std::move(plan), std::move(parsed->format), call.exchange, std::move(account),
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

// An answer that is there as a whole.
void SendAtOnce(const Call& call, ReplyFormat& format, bool streams, const ReplyChoice& choice,
                const ReplyTotals& totals) {
  if (!streams) return Reply(call, format.Whole({&choice, 1}, totals));
  const ReplyDelta delta{.text = choice.text, .reasoning = choice.reasoning, .odds = choice.odds};
  call.exchange->Begin(200, format.stream_type(), {{"Cache-Control", "no-cache"}});
  call.exchange->Write(format.Begin() + format.Delta(0, delta) +
                       format.ChoiceEnd(0, choice, &totals) + format.End({&choice, 1}, totals));
  call.exchange->End();
}

// A generation that has ended, its thoughts apart.
ReplyChoice ChoiceOf(GenerationResult result, const GenerationPlan& plan, const Engine& engine) {
  ReplyChoice choice{.text = result.text,
                     .odds = result.odds,
                     .tokens = static_cast<int>(result.tokens.size()),
                     .said = result.tokens};
  if (plan.separates_reasoning) {
    ReasoningSplitter splitter(plan.reasoning_begun);
    const ReasoningSplitter::Parts parts = splitter.Push(result.text);
    const ReasoningSplitter::Parts rest = splitter.Finish();
    choice.text = parts.text + rest.text;
    choice.reasoning = parts.reasoning + rest.reasoning;
    if (!choice.reasoning.empty()) choice.said = engine.EncodeText(choice.text);
    choice.reasoning_tokens = std::max(0, choice.tokens - static_cast<int>(choice.said.size()));
  }
  choice.result = std::move(result);
  return choice;
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
  SendAtOnce(call, *format, streams, choice, totals);
}

// An answer by rules from the model that the body names, or, where that is not valid, from `then`.
void GenerateInTurn(Server& server, const Call& call, json::object body, const std::string& then) {
  ApiResult<ModelLease> acquired = AcquireWriter(server, body);
  if (!acquired) return ReplyError(call, acquired.error());
  const auto lease = std::make_shared<ModelLease>(*std::move(acquired));
  ApiResult<ParsedGeneration> parsed =
      ParseChatCompletion(body, (*lease)->name(), *(*lease)->engine());
  if (!parsed) return ReplyError(call, parsed.error());
  GenerationPlan& plan = parsed->plan;
  if (plan.rules.check == nullptr || plan.rules.tool_format || plan.requests.size() > 1) {
    return ReplyError(call, ApiError::OfField({"kinglet.then", "needs one answer under a schema"}));
  }
  if (server.models().Find(then) == nullptr)
    return ReplyError(call, ApiError::OfField({"kinglet.then", "is no model of this server"}));
  GenerationRequest& request = plan.requests.front();
  request.terms = TermsOf(server, call, parsed->fields);
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  call.exchange->OnGone([gone] { *gone = true; });
  request.interrupted = [gone] { return gone->load(); };
  FirstTry first{.model = (*lease)->name(),
                 .share = std::make_shared<MachineMeter::Share>(server.books().Begin())};
  Result<GenerationResult> tried = (*lease)->engine()->Generate(request, nullptr);
  // Who is not let in is told so as without a larger model, or waits as he has asked.
  if (!tried) return Run(server, call, std::move(parsed), lease);
  ReplyChoice choice = ChoiceOf(*std::move(tried), plan, *(*lease)->engine());
  first.accepted = choice.result.is_whole && choice.result.finish_reason == FinishReason::kStop &&
                   plan.rules.check->Check(choice.text, {}).has_value();
  first.result = choice.result;
  if (!first.accepted && !gone->load()) {
    *lease = ModelLease();  // there may be room for one alone
    body["model"] = then;
    const auto fail = [&](const ApiError& error) {
      call.admission->CountTokens(first.result.prompt_tokens + choice.tokens);
      ReplyError(call, error);
    };
    acquired = AcquireWriter(server, body);
    if (!acquired) return fail(acquired.error());
    *lease = *std::move(acquired);
    parsed = ParseChatCompletion(body, (*lease)->name(), *(*lease)->engine());
    if (!parsed) return fail(parsed.error());
    return Run(server, call, std::move(parsed), lease, std::move(first));
  }
  GenerationOutcome outcome{
      .choices = {choice}, .client_gone = gone->load(), .valid = first.accepted};
  outcome.first_byte_ms = outcome.total_ms = MonotonicMs() - call.request.received_ms;
  ReplyTotals& totals = outcome.totals;
  totals.prompt_tokens = choice.result.prompt_tokens;
  totals.cached_tokens = choice.result.cached_tokens;
  totals.completion_tokens = choice.tokens;
  totals.reasoning_tokens = choice.reasoning_tokens;
  const auto share = first.share;
  totals.ledger = MakeAccount(server, call, *parsed, lease, share, std::move(first))(outcome);
  server.metrics().CountGeneration((*lease)->name(), request.terms.service_class, outcome);
  SendAtOnce(call, *parsed->format, parsed->fields.stream, choice, totals);
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
