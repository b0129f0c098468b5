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
#include "server/routed_chat.h"
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
  std::string tail;                         // of the path, where the route ends in "/*"
  std::shared_ptr<const RouteTaken> taken;  // of a request for the model "auto"
};

struct Route {
  std::string_view method;
  std::string_view path;  // "/v1/models/*": with a last part of any text
  Role role;
  Dialect dialect;  // of its errors
  void (*handle)(Server& server, const Call& call);
  std::string_view summary;  // for /openapi.json
  bool never_waits = false;  // neither for a model nor for a disk or another machine
};

std::span<const Route> Routes();

// The routes' handlers, a file for each group.
void HandleChatCompletions(Server& server, const Call& call);
void HandleCompletions(Server& server, const Call& call);
void HandleResponses(Server& server, const Call& call);
void HandleGetResponse(Server& server, const Call& call);
void HandleDeleteResponse(Server& server, const Call& call);
void HandleMessages(Server& server, const Call& call);
void HandleCountTokens(Server& server, const Call& call);
void HandleOllamaChat(Server& server, const Call& call);
void HandleOllamaGenerate(Server& server, const Call& call);

void HandleEmbeddings(Server& server, const Call& call);
void HandleOllamaEmbed(Server& server, const Call& call);
void HandleRerank(Server& server, const Call& call);
void HandleTokenize(Server& server, const Call& call);
void HandleDetokenize(Server& server, const Call& call);
void HandleTokenizerInfo(Server& server, const Call& call);

void HandleListModels(Server& server, const Call& call);
void HandleShowModel(Server& server, const Call& call);
void HandleOllamaTags(Server& server, const Call& call);
void HandleOllamaShow(Server& server, const Call& call);
void HandlePs(Server& server, const Call& call);
void HandleVersion(Server& server, const Call& call);
void HandleHealth(Server& server, const Call& call);
void HandleLive(Server& server, const Call& call);
void HandleMetrics(Server& server, const Call& call);
void HandleOpenApi(Server& server, const Call& call);
void HandlePage(Server& server, const Call& call);

void HandleAsk(Server& server, const Call& call);
// A chat completion that names a library: docs/server.md.
void HandleLibraryChat(Server& server, const Call& call, const json::object& body);
void HandleRoute(Server& server, const Call& call);
void HandleSearch(Server& server, const Call& call);
void HandleListLibraries(Server& server, const Call& call);
void HandleListDocuments(Server& server, const Call& call);
void HandleAddDocument(Server& server, const Call& call);
void HandleRemoveDocument(Server& server, const Call& call);
void HandleDocumentText(Server& server, const Call& call);
void HandleLibraryReport(Server& server, const Call& call);
void HandleLedger(Server& server, const Call& call);
void HandleFeedback(Server& server, const Call& call);

// ---- for the handlers ----

void Reply(const Call& call, const json::object& body, int status = 200);
Dialect DialectOf(const Call& call);
void ReplyError(const Call& call, const ApiError& error);
// What an answer's row in the ledger is called by its route: "/v1/chat/completions" is
// "chat.completions".
std::string KindOf(const Call& call);
// What an answer's `kinglet` object says of the way to it; null where nothing was routed.
json::value RouteOf(const Call& call);
// The call with what the router says of a text; 404 where nothing answers it.
ApiResult<Call> FollowRoute(Server& server, const Call& call, const std::string& text);
// Closes an answer's account. Trouble with the ledger is warned of; the answer goes out without an
// id.
void CloseAccount(Server& server, MachineMeter::Share& share, LedgerEntry& entry);
void WarnOfLedger(const Server& server, const Result<void>& written);
// The body as a JSON object.
ApiResult<json::object> ReadBody(const Call& call);
// The model that the body names.
ApiResult<ModelLease> AcquireModel(Server& server, const json::object& body);
// The same, of one that writes text.
ApiResult<ModelLease> AcquireWriter(Server& server, const json::object& body);
// The model of that name, not loaded; the error is of `field` where it is none that writes text.
ApiResult<const OfferedModel*> FindWriter(Server& server, const std::string& name,
                                          const std::string& field);
// The terms of a request's service: account, scope, class, budget.
ServiceTerms TermsOf(const Server& server, const Call& call, const GenerationFields& fields);

}  // namespace kinglet
