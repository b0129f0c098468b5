// SPDX-License-Identifier: Apache-2.0
// The routes of Kinglet's own that look things up: searches, intents, libraries.
#include <utility>

#include "base/clock.h"
#include "server/routes.h"

namespace kinglet {
namespace {

ApiError Of(const Status& status) { return ApiError::OfStatus(status); }

}  // namespace

void HandleSearch(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  const std::string query = fields.RequiredText("query", 4096);
  const std::string name = fields.Text("library").value_or("");
  const auto limit = static_cast<int>(fields.Whole("limit", 1, 100).value_or(10));
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  Result<BorrowedLibrary> library = server.libraries().Borrow(name);
  if (!library) return ReplyError(call, Of(library.error()));
  const double start_ms = MonotonicMs();
  const Result<std::vector<Passage>> found = library->retriever().Search(query, limit);
  if (!found) return ReplyError(call, Of(found.error()));
  json::array passages;
  for (const Passage& passage : *found) passages.push_back(ToJson(passage));
  Reply(call,
        {{"query", query}, {"passages", std::move(passages)}, {"ms", MonotonicMs() - start_ms}});
}

void HandleRoute(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  const std::string text = fields.RequiredText("text", kMaxRoutedBytes);
  const bool explain = fields.Flag("explain").value_or(false);
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  if (!server.router().has_router()) {
    return ReplyError(call, {404, "no_intents",
                             "this server knows no intents: it is started with --intents FILE"});
  }
  const double start_ms = MonotonicMs();
  Result<json::object> decision = server.router().Route(text, explain);
  if (!decision) return ReplyError(call, Of(decision.error()));
  (*decision)["ms"] = MonotonicMs() - start_ms;
  Reply(call, *decision);
}

void HandleListLibraries(Server& server, const Call& call) {
  json::array libraries;
  for (const ShelvedLibrary& library : server.libraries().libraries()) {
    libraries.push_back(json::object{{"name", library.name}});
  }
  Reply(call, {{"libraries", std::move(libraries)}});
}

}  // namespace kinglet
