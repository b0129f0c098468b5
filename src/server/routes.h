// SPDX-License-Identifier: Apache-2.0
// The table of routes, and what a handler gets.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "net/http_server.h"
#include "server/access.h"
#include "server/api_error.h"
#include "server/openai_chat.h"
#include "server/server.h"

namespace kinglet {

struct Route;

// One request that was let in.
struct Call {
  HttpRequest request;
  std::shared_ptr<HttpExchange> exchange;
  std::shared_ptr<Admission> admission;
  const Route* route = nullptr;
  std::string id;
  std::string tail;  // of the path, where the route ends in "/*"
};

struct Route {
  std::string_view method;
  std::string_view path;  // "/v1/models/*": with a last part of any text
  Role role;
  Dialect dialect;  // of its errors
  void (*handle)(Server& server, Call call);
  std::string_view summary;  // for /openapi.json
};

std::span<const Route> Routes();

// The routes' handlers, a file for each group.
void HandleChatCompletions(Server& server, Call call);
void HandleCompletions(Server& server, Call call);
void HandleResponses(Server& server, Call call);
void HandleGetResponse(Server& server, Call call);
void HandleDeleteResponse(Server& server, Call call);
void HandleMessages(Server& server, Call call);
void HandleCountTokens(Server& server, Call call);
void HandleOllamaChat(Server& server, Call call);
void HandleOllamaGenerate(Server& server, Call call);

void HandleEmbeddings(Server& server, Call call);
void HandleOllamaEmbed(Server& server, Call call);
void HandleRerank(Server& server, Call call);
void HandleTokenize(Server& server, Call call);
void HandleDetokenize(Server& server, Call call);
void HandleTokenizerInfo(Server& server, Call call);

void HandleListModels(Server& server, Call call);
void HandleShowModel(Server& server, Call call);
void HandleOllamaTags(Server& server, Call call);
void HandleOllamaShow(Server& server, Call call);
void HandlePs(Server& server, Call call);
void HandleVersion(Server& server, Call call);
void HandleHealth(Server& server, Call call);
void HandleLive(Server& server, Call call);
void HandleMetrics(Server& server, Call call);
void HandleOpenApi(Server& server, Call call);
void HandlePage(Server& server, Call call);

void HandleAsk(Server& server, Call call);
void HandleSearch(Server& server, Call call);
void HandleListLibraries(Server& server, Call call);
void HandleListDocuments(Server& server, Call call);
void HandleAddDocument(Server& server, Call call);
void HandleRemoveDocument(Server& server, Call call);
void HandleDocumentText(Server& server, Call call);
void HandleLedger(Server& server, Call call);

// ---- for the handlers ----

void Reply(const Call& call, const json::object& body, int status = 200);
Dialect DialectOf(const Call& call);
void ReplyError(const Call& call, const ApiError& error);
// The body as a JSON object.
ApiResult<json::object> ReadBody(const Call& call);
// The model that the body names.
ApiResult<ModelLease> AcquireModel(Server& server, const json::object& body);
// The terms of a request's service: account, scope, class, budget.
ServiceTerms TermsOf(const Server& server, const Call& call, const GenerationFields& fields);

}  // namespace kinglet
