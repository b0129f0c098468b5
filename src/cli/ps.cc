// SPDX-License-Identifier: Apache-2.0
// kinglet ps: what a running server has loaded.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "cli/commands.h"
#include "net/http_client.h"

namespace kinglet {
namespace {

struct PsFlags {
  std::string url = "http://127.0.0.1:8080";
  std::string api_key;
  bool as_json = false;
};

std::string TextOf(const json::value& row, std::string_view name) {
  const json::value* const value = Find(row, name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::int64_t NumberOf(const json::value& row, std::string_view name) {
  const json::value* const value = Find(row, name);
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

constexpr std::size_t kMaxReplyBytes = std::size_t{1} << 20;

Result<std::string> Fetch(const std::string& url, const std::string& api_key) {
  std::string body;
  const HttpReceiver receiver = {.on_start = [](const HttpReply&) { return Result<void>(); },
                                 .on_body = [&](std::string_view piece) -> Result<void> {
                                   body += piece;
                                   if (body.size() <= kMaxReplyBytes) return {};
                                   return Error(StatusCode::kFailed, "{} answers without an end",
                                                HostOf(url));
                                 }};
  const HttpReply reply = TRY(HttpGet({.url = url, .bearer_token = api_key}, receiver));
  if (reply.status == 200) return body;
  return Error(StatusCode::kFailed, "{} answers with status {}{}", HostOf(url), reply.status,
               reply.status == 401 ? ": give --api-key" : "");
}

// What is kept as long as the server runs ends beyond this: clients of Ollama want a date.
constexpr std::string_view kNoEnd = "2100";

Result<void> RunPs(const PsFlags& flags) {
  const std::string body = TRY(Fetch(flags.url + "/api/ps", flags.api_key));
  if (flags.as_json) {
    fmt::print("{}\n", body);
    return {};
  }
  const json::value reply = TRY(ParseJson(body));
  const json::value* const models = Find(reply, "models");
  if (models == nullptr || !models->is_array()) {
    return Error(StatusCode::kFailed, "{} is no server of this program", flags.url);
  }
  fmt::print("{:<40} {:<10} {:>10} {:>8} {:>8}  {}\n", "MODEL", "FAMILY", "MEMORY", "RUNNING",
             "WAITING", "UNTIL");
  for (const json::value& model : models->get_array()) {
    const json::value* const details = Find(model, "details");
    const std::string until = TextOf(model, "expires_at");
    fmt::print("{:<40} {:<10} {:>10} {:>8} {:>8}  {}\n", EscapeForDisplay(TextOf(model, "name")),
               EscapeForDisplay(details == nullptr ? "" : TextOf(*details, "family")),
               SizeText(static_cast<std::uint64_t>(NumberOf(model, "size"))),
               NumberOf(model, "running"), NumberOf(model, "waiting"),
               until > kNoEnd ? "always" : EscapeForDisplay(until));
  }
  return {};
}

}  // namespace

CommandRun SetUpPs(CLI::App& app, const Environment&) {
  auto flags = std::make_shared<PsFlags>();
  app.add_option("--url", flags->url, "where the server is");
  app.add_option("--api-key", flags->api_key, "a key that may read");
  app.add_flag("--json", flags->as_json, "print one JSON object");
  return [flags] { return RunPs(*flags); };
}

}  // namespace kinglet
