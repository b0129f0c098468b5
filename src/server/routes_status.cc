// SPDX-License-Identifier: Apache-2.0
// What the server is and has: models, health, metrics, its description, the page.
#include <utility>

#include "base/clock.h"
#include "server/openapi.h"
#include "server/page.h"
#include "server/routes.h"

namespace kinglet {
namespace {

// Of a file that may not be loaded: what OpenAI's format has room for.
json::object ModelJson(const OfferedModel& model, std::int64_t created) {
  json::array aliases;
  for (const std::string& alias : model.aliases) aliases.push_back(json::value(alias));
  return {{"id", model.name},
          {"object", "model"},
          {"created", created},
          {"owned_by", "kinglet"},
          {"aliases", std::move(aliases)}};
}

std::int64_t FileTime(const std::filesystem::path& path) {
  const Result<FileIdentity> file = IdentityOf(path);
  return file ? file->modified_ns / 1'000'000'000 : 0;
}

}  // namespace

void HandleListModels(Server& server, const Call& call) {
  json::array data;
  for (const OfferedModel& model : server.models().offered()) {
    data.push_back(ModelJson(model, FileTime(model.path)));
  }
  Reply(call, {{"object", "list"}, {"data", std::move(data)}});
}

void HandleShowModel(Server& server, const Call& call) {
  const OfferedModel* const model = server.models().Find(call.tail);
  if (model == nullptr || call.tail.empty()) {
    ApiError error = ApiError::NotFound("there is no such model");
    error.code = "model_not_found";
    error.field = "model";
    return ReplyError(call, error);
  }
  Reply(call, ModelJson(*model, FileTime(model->path)));
}

void HandleVersion(Server& server, const Call& call) {
  Reply(call, {{"version", server.options().version}});
}

void HandleHealth(Server& server, const Call& call) {
  const bool ready = server.models().ready() && !server.draining();
  const char* const status = server.draining() ? "draining" : ready ? "ok" : "loading";
  Reply(call, {{"status", status}}, ready ? 200 : 503);
}

void HandleLive(Server&, const Call& call) { Reply(call, {{"status", "ok"}}); }

void HandleMetrics(Server& server, const Call& call) {
  call.exchange->Respond(
      {.content_type = "text/plain; version=0.0.4; charset=utf-8",
       .body = server.metrics().Text(server.models().Loaded(), server.connections())});
}

void HandleOpenApi(Server& server, const Call& call) {
  call.exchange->Respond({.body = ToJson(json::value(OpenApi(server.options().version)))});
}

void HandlePage(Server&, const Call& call) {
  call.exchange->Respond({.headers = PageHeaders(),
                          .content_type = "text/html; charset=utf-8",
                          .body = std::string(kPage)});
}

}  // namespace kinglet
