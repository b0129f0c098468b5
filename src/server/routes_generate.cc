// SPDX-License-Identifier: Apache-2.0
// The routes that write text: each format is parsed by its own file, then all go the same way.
#include <cmath>
#include <utility>

#include "base/clock.h"
#include "server/anthropic.h"
#include "server/generation_call.h"
#include "server/library_chat.h"
#include "server/ollama.h"
#include "server/openai_completions.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr double kMsPerHour = 3.6e6;

// The ledger line that every answer carries. Joules are not told apart by request.
json::object LedgerLineOf(const Server& server, const GenerationOutcome& outcome,
                          const std::optional<double>& budget_ms) {
  const ReplyTotals& totals = outcome.totals;
  const bool in_budget = !budget_ms || outcome.first_byte_ms <= *budget_ms;
  const bool counts = in_budget && !outcome.client_gone && outcome.valid.value_or(true);
  const int useful = counts ? totals.completion_tokens : 0;
  double queue_ms = 0;
  double prefill_ms = 0;
  double decode_ms = 0;
  for (const ReplyChoice& choice : outcome.choices) {
    queue_ms = std::max(queue_ms, choice.result.queue_ms);
    prefill_ms = std::max(prefill_ms, choice.result.prefill_ms);
    decode_ms = std::max(decode_ms, choice.result.decode_ms);
  }
  json::value cost;
  json::value cost_per_useful_token;
  if (const auto& price = server.options().machine_per_hour) {
    const double sum = outcome.total_ms / kMsPerHour * *price;
    cost = sum;
    if (useful > 0) cost_per_useful_token = sum / useful;
  }
  return {{"prompt_tokens", totals.prompt_tokens},
          {"cached_tokens", totals.cached_tokens},
          {"completion_tokens", totals.completion_tokens},
          {"useful_tokens", useful},
          {"valid", outcome.valid ? json::value(*outcome.valid) : json::value()},
          {"first_byte_ms", outcome.first_byte_ms},
          {"total_ms", outcome.total_ms},
          {"queue_ms", queue_ms},
          {"prefill_ms", prefill_ms},
          {"decode_ms", decode_ms},
          {"joules", nullptr},
          {"joules_source", nullptr},
          {"cost", std::move(cost)},
          {"currency", server.options().currency},
          {"cost_per_useful_token", std::move(cost_per_useful_token)}};
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
  const std::shared_ptr<Admission> admission = call.admission;
  GenerationCall::Start(
      std::move(plan), std::move(parsed->format), call.exchange,
      [&server, admission, budget = terms.first_byte_budget_ms](const GenerationOutcome& outcome) {
        // Before the answer's end: the next request is held against it.
        admission->CountTokens(outcome.totals.prompt_tokens + outcome.totals.completion_tokens);
        return LedgerLineOf(server, outcome, budget);
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
