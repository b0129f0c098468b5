// SPDX-License-Identifier: Apache-2.0
// The table, in the order of docs/server.md, and what all handlers share.
#include "server/routes.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace kinglet {
namespace {

constexpr Role kNobody = Role::kNone;
constexpr Role kReader = Role::kRead;
constexpr Role kWriter = Role::kWrite;
constexpr Role kAdmin = Role::kAdmin;
constexpr Dialect kOpenAi = Dialect::kOpenAi;
constexpr Dialect kOllama = Dialect::kOllama;
constexpr Dialect kAnthropic = Dialect::kAnthropic;
constexpr bool kNeverWaits = true;

constexpr const char* kWritesNothing = "makes vectors of texts, and no text";
constexpr JsonLimits kBodyLimits = {.max_bytes = std::size_t{64} << 20, .max_depth = 32};

constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", kReader, kOpenAi, HandleChatCompletions,
     "An answer to a conversation"},
    {"POST", "/v1/completions", kReader, kOpenAi, HandleCompletions, "A text goes on"},
    {"POST", "/v1/responses", kReader, kOpenAi, HandleResponses,
     "An answer to a conversation that this server can remember"},
    {"GET", "/v1/responses/*", kReader, kOpenAi, HandleGetResponse,
     "A response that is remembered"},
    {"DELETE", "/v1/responses/*", kReader, kOpenAi, HandleDeleteResponse, "Forgets a response"},
    {"POST", "/v1/embeddings", kReader, kOpenAi, HandleEmbeddings, "Vectors of texts"},
    {"POST", "/v1/rerank", kReader, kOpenAi, HandleRerank, "Texts in the order of their relevance"},
    {"GET", "/v1/models", kReader, kOpenAi, HandleListModels, "The models that there are"},
    {"GET", "/v1/models/*", kReader, kOpenAi, HandleShowModel, "One model"},
    {"POST", "/v1/messages", kReader, kAnthropic, HandleMessages,
     "An answer to a conversation, as Anthropic's API has it"},
    {"POST", "/v1/messages/count_tokens", kReader, kAnthropic, HandleCountTokens,
     "How many tokens a conversation has"},
    {"POST", "/api/chat", kReader, kOllama, HandleOllamaChat,
     "An answer to a conversation, as Ollama's API has it"},
    {"POST", "/api/generate", kReader, kOllama, HandleOllamaGenerate,
     "An answer to a prompt, as Ollama's API has it"},
    {"POST", "/api/embed", kReader, kOllama, HandleOllamaEmbed,
     "Vectors of texts, as Ollama's API has it"},
    {"GET", "/api/tags", kReader, kOllama, HandleOllamaTags,
     "The models that there are, as Ollama's API has it"},
    {"POST", "/api/show", kReader, kOllama, HandleOllamaShow, "One model, as Ollama's API has it"},
    {"GET", "/api/ps", kReader, kOllama, HandlePs, "The models that are loaded"},
    {"GET", "/api/version", kNobody, kOllama, HandleVersion, "The version of this program",
     kNeverWaits},
    {"POST", "/v1/ask", kReader, kOpenAi, HandleAsk,
     "An answer from a library, each sentence carried by a quote, or an abstention"},
    {"POST", "/v1/route", kReader, kOpenAi, HandleRoute,
     "The intent of a question, and what would answer it"},
    {"POST", "/v1/search", kReader, kOpenAi, HandleSearch, "Passages of a library"},
    {"GET", "/v1/libraries", kReader, kOpenAi, HandleListLibraries, "The libraries that there are"},
    {"GET", "/v1/library/documents", kReader, kOpenAi, HandleListDocuments,
     "The documents of a library"},
    {"POST", "/v1/library/documents", kWriter, kOpenAi, HandleAddDocument,
     "Adds a document or an archive's, or replaces what has its name"},
    {"DELETE", "/v1/library/documents", kWriter, kOpenAi, HandleRemoveDocument,
     "Removes a document, or those of an archive"},
    {"GET", "/v1/library/text", kReader, kOpenAi, HandleDocumentText,
     "The text that the library keeps of a document"},
    {"GET", "/v1/library/report", kReader, kOpenAi, HandleLibraryReport,
     "Languages, duplicates, personal data, and what was not read"},
    {"GET", "/v1/ledger", kAdmin, kOpenAi, HandleLedger, "What was asked and what it cost"},
    {"POST", "/v1/feedback", kWriter, kOpenAi, HandleFeedback, "Whether an answer was useful"},
    {"POST", "/tokenize", kReader, kOpenAi, HandleTokenize, "The tokens of a text"},
    {"POST", "/detokenize", kReader, kOpenAi, HandleDetokenize, "The text of tokens"},
    {"GET", "/tokenizer_info", kReader, kOpenAi, HandleTokenizerInfo,
     "The first model's control tokens and template"},
    {"GET", "/health", kNobody, kOpenAi, HandleHealth, "200 when the server is ready", kNeverWaits},
    {"GET", "/health/live", kNobody, kOpenAi, HandleLive, "200 as long as the server runs",
     kNeverWaits},
    {"GET", "/metrics", kReader, kOpenAi, HandleMetrics, "Counts and times for Prometheus",
     kNeverWaits},
    {"GET", "/openapi.json", kNobody, kOpenAi, HandleOpenApi, "This description", kNeverWaits},
    {"GET", "/", kNobody, kOpenAi, HandlePage, "The page", kNeverWaits},
};

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

void Reply(const Call& call, const json::object& body, int status) {
  call.exchange->Respond({.status = status, .body = ToJson(json::value(body))});
}

// A path that no route has is of the API that it begins like.
Dialect DialectOf(const Call& call) {
  if (call.route != nullptr) return call.route->dialect;
  if (call.request.path.starts_with("/api/")) return Dialect::kOllama;
  return call.request.path.starts_with("/v1/messages") ? Dialect::kAnthropic : Dialect::kOpenAi;
}

void ReplyError(const Call& call, const ApiError& error) {
  HttpHeaders headers;
  if (error.retry_after_s)
    headers.emplace_back("Retry-After", std::to_string(*error.retry_after_s));
  const Dialect dialect = DialectOf(call);
  call.exchange->Respond({.status = error.status,
                          .headers = std::move(headers),
                          .body = ToJson(json::value(ToJson(error, dialect)))});
}

std::string KindOf(const Call& call) {
  std::string_view path = call.route->path;
  path.remove_prefix(path.starts_with("/v1/") ? 4 : 1);
  std::string kind(path);
  std::ranges::replace(kind, '/', '.');
  return kind;
}

json::value RouteOf(const Call& call) {
  if (call.taken == nullptr) return nullptr;
  const AskRoute& route = call.taken->route;
  return json::object{{"intent", OrNull(route.intent)}, {"confidence", route.confidence}};
}

ApiResult<Call> FollowRoute(Server& server, const Call& call, const std::string& text) {
  auto taken = server.router().Take(text);
  if (!taken) return std::unexpected(ApiError::OfStatus(taken.error()));
  std::optional<RouteTaken>& found = *taken;
  if (!found) {
    return std::unexpected(
        ApiError{404, "out_of_scope", "no intent fits, and there is no default one"});
  }
  Call routed = call;
  routed.taken = std::make_shared<const RouteTaken>(*std::move(found));
  return routed;
}

void CloseAccount(Server& server, MachineMeter::Share& share, LedgerEntry& entry) {
  WarnOfLedger(server, server.books().Close(share, entry));
}

void WarnOfLedger(const Server& server, const Result<void>& written) {
  if (!written) server.options().warn(fmt::format("the ledger: {}", written.error().message()));
}

ApiResult<json::object> ReadBody(const Call& call) {
  Result<json::value> body = ParseJson(call.request.body, kBodyLimits);
  if (!body) {
    return std::unexpected(ApiError{400, "invalid_json", body.error().message()});
  }
  if (!body->is_object()) {
    return std::unexpected(ApiError{400, "invalid_json", "the body must be a JSON object"});
  }
  return std::move(body->get_object());
}

ApiResult<ModelLease> AcquireModel(Server& server, const json::object& body) {
  std::string name;
  if (const json::value* const given = body.if_contains("model"); given && !given->is_null()) {
    if (!given->is_string()) {
      return std::unexpected(ApiError::OfField({"model", "must be a string"}));
    }
    name = given->get_string();
  }
  Result<ModelLease> lease = server.models().Acquire(name);
  if (lease) return *std::move(lease);
  ApiError error = ApiError::OfStatus(lease.error());
  if (error.status == 404) {
    error.code = "model_not_found";
    error.field = "model";
  }
  if (lease.error().code() == StatusCode::kCancelled) error.status = 503;
  return std::unexpected(std::move(error));
}

ApiResult<ModelLease> AcquireWriter(Server& server, const json::object& body) {
  ApiResult<ModelLease> lease = AcquireModel(server, body);
  if (!lease || (*lease)->engine() != nullptr) return lease;
  return std::unexpected(ApiError::OfField({"model", kWritesNothing}));
}

ApiResult<const OfferedModel*> FindWriter(Server& server, const std::string& name,
                                          const std::string& field) {
  const OfferedModel* const offered = server.models().Find(name);
  if (offered == nullptr)
    return std::unexpected(ApiError::OfField({field, "is no model of this server"}));
  if (server.models().IsEncoder(*offered))
    return std::unexpected(ApiError::OfField({field, kWritesNothing}));
  return offered;
}

ServiceTerms TermsOf(const Server& server, const Call& call, const GenerationFields& fields) {
  ServiceTerms terms;
  terms.service_class = fields.service_class;
  terms.account = call.admission->account();
  terms.scope = call.admission->scope();
  terms.lasting = true;
  terms.timeout_ms = server.options().request_timeout_s * 1000;
  if (terms.service_class == ServiceClass::kInteractive) {
    terms.first_byte_budget_ms = fields.first_byte_budget_ms
                                     ? fields.first_byte_budget_ms
                                     : server.options().first_byte_budget_ms;
  }
  return terms;
}

}  // namespace kinglet
