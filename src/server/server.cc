// SPDX-License-Identifier: Apache-2.0
// From a request to its route, and from the answer to the log.
#include "server/server.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/clock.h"
#include "base/display.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::size_t kResponseMemoryBytes = std::size_t{32} << 20;

// What a request is answered with, seen on its way out: every answer carries the request's number
// and what a page of another origin needs, and is logged and counted once.
class WatchedExchange : public HttpExchange {
 public:
  using Ended = std::function<void(int status)>;
  WatchedExchange(std::shared_ptr<HttpExchange> inner, HttpHeaders headers, Ended ended)
      : inner_(std::move(inner)), headers_(std::move(headers)), ended_(std::move(ended)) {}
  ~WatchedExchange() override { Tell(500); }

  void Respond(HttpResponse response) override {
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
    const int status = response.status;
    inner_->Respond(std::move(response));
    Tell(status);
  }
  bool Begin(int status, std::string_view content_type, const HttpHeaders& headers) override {
    HttpHeaders all = headers;
    all.insert(all.end(), headers_.begin(), headers_.end());
    status_ = status;
    return inner_->Begin(status, content_type, all);
  }
  bool Write(std::string piece) override { return inner_->Write(std::move(piece)); }
  void End() override {
    inner_->End();
    Tell(status_);
  }
  void OnGone(std::function<void()> gone) override {
    inner_->OnGone([this_ended = gone_, gone = std::move(gone)] {
      *this_ended = true;
      gone();
    });
  }

 private:
  void Tell(int status) {
    if (told_.exchange(true)) return;
    ended_(*gone_ ? 499 : status);
  }

  std::shared_ptr<HttpExchange> inner_;
  HttpHeaders headers_;
  Ended ended_;
  std::atomic<bool> told_ = false;
  std::atomic<int> status_ = 200;
  std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
};

// "/v1/models/*" with "/v1/models/a": "a".
std::optional<std::string> Match(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) {
    return pattern == path ? std::optional<std::string>("") : std::nullopt;
  }
  const std::string_view before = pattern.substr(0, pattern.size() - 1);
  if (!path.starts_with(before) || path.size() == before.size()) return std::nullopt;
  return std::string(path.substr(before.size()));
}

struct Matched {
  const Route* route = nullptr;
  std::string tail;
  std::string allowed;  // methods of the routes of this path
};

Matched FindRoute(const HttpRequest& request) {
  Matched matched;
  for (const Route& route : Routes()) {
    auto tail = Match(route.path, request.path);
    if (!tail) continue;
    matched.allowed += (matched.allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") matched.allowed += ", HEAD";
    if (route.method == request.method) {
      matched.route = &route;
      matched.tail = *std::move(tail);
    }
  }
  return matched;
}

HttpHeaders Merge(HttpHeaders headers, const HttpHeaders& more) {
  headers.insert(headers.end(), more.begin(), more.end());
  return headers;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server(std::move(options)));
  const ServerOptions& settled = server->options_;
  server->access_ = TRY(Access::Create(settled.access));
  server->models_ = std::make_unique<ModelHost>(settled.models, settled.warn);
  if (server->router_.has_router()) TRY(server->router_.Open());
  HttpServerOptions http = settled.http;
  http.error_body = [](int status, std::string_view message) {
    const ApiError error{status, "bad_request", std::string(message)};
    return ToJson(json::value(ToJson(error, Dialect::kOpenAi)));
  };
  http.never_waits = [](const HttpRequest& request) {
    const Route* const route = FindRoute(request).route;
    return route != nullptr && route->never_waits;
  };
  server->http_ = TRY(HttpServer::Listen(
      http, [raw = server.get()](HttpRequest request, std::shared_ptr<HttpExchange> exchange) {
        raw->Handle(std::move(request), std::move(exchange));
      }));
  // Answers are given without a ledger too, each with a warning.
  const auto opened = server->books_.WithLedger([](Ledger&) { return Result<void>(); });
  if (!opened) settled.warn(fmt::format("the ledger: {}", opened.error().message()));
  // The first model is ready before anybody is answered.
  TRY(server->models_->Acquire(""));
  server->libraries_.WarmUp();
  return server;
}

Server::Server(ServerOptions options)
    : options_(std::move(options)),
      books_(options_.books),
      libraries_(options_.libraries, options_.open_vectors),
      router_(options_.router, options_.warn,
              [this](const Intents& intents) { WarnOfMissing(intents); }),
      calibrations_(options_.calibration_folder, options_.builtin_calibrations),
      responses_(kResponseMemoryBytes) {}

Server::~Server() = default;

// Of intents that name what is not offered: their questions are answered by an error.
void Server::WarnOfMissing(const Intents& intents) const {
  const auto warn = [&](const Intent& intent, const std::string& why) {
    options_.warn(fmt::format("the intent {} cannot be followed: {}", Quoted(intent.name), why));
  };
  for (const Intent& intent : intents.intents) {
    for (const std::string& model : {intent.model, intent.then}) {
      if (!model.empty() && models_->Find(model) == nullptr) {
        warn(intent, fmt::format("there is no model {}", Quoted(model)));
      }
    }
    const bool needs_library = intent.mode == IntentMode::kQuote ||
                               intent.mode == IntentMode::kCite || !intent.library.empty();
    if (!needs_library) continue;
    const auto library = libraries_.Find(intent.library);
    if (!library) warn(intent, library.error().message());
  }
}

void Server::PruneLedger() {
  const LedgerOptions& ledger = books_.options().ledger;
  if (!ledger.keep_days) return;
  // Opening does it, on a connection of its own: answers that are being written do not wait.
  const auto opened = Ledger::Open(ledger);
  if (!opened) options_.warn(fmt::format("the ledger: {}", opened.error().message()));
}

void Server::Stop(int drain_ms) {
  draining_ = true;
  http_->Stop(drain_ms);
}

void Server::Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) {
  Matched matched = FindRoute(request);
  const std::string id = MakeId("req_");
  const std::string route_name =
      matched.route == nullptr ? "other" : std::string(matched.route->path);
  const auto log_line =
      std::make_shared<json::object>(json::object{{"time", Iso8601(UnixSeconds())},
                                                  {"request_id", id},
                                                  {"remote", request.remote},
                                                  {"method", EscapeForDisplay(request.method)},
                                                  {"route", route_name}});
  const double received_ms = request.received_ms;
  Call call{.request = std::move(request), .route = matched.route, .id = id, .tail = matched.tail};
  // Anthropic's clients read the number under a name of their own.
  const char* const id_header =
      DialectOf(call) == Dialect::kAnthropic ? "Request-Id" : "X-Request-Id";
  call.exchange = std::make_shared<WatchedExchange>(
      std::move(exchange), Merge({{id_header, id}}, access_->CorsHeaders(call.request)),
      [this, log_line, route_name, received_ms](int status) {
        const double ms = MonotonicMs() - received_ms;
        metrics_.CountRequest(route_name, status, ms);
        if (!options_.log) return;
        (*log_line)["status"] = status;
        (*log_line)["ms"] = ms;
        options_.log(ToJson(json::value(*log_line)));
      });
  if (call.request.method == "OPTIONS") {
    HttpHeaders headers = {{"Allow", matched.allowed + ", OPTIONS"}};
    // Clients in pages send a dozen headers of their own, which are read by nobody here.
    const auto headers_wanted = call.request.Header("access-control-request-headers")
                                    .value_or("Authorization, Content-Type, X-Api-Key");
    if (!access_->CorsHeaders(call.request).empty()) {
      headers =
          Merge(std::move(headers), {{"Access-Control-Allow-Methods", matched.allowed},
                                     {"Access-Control-Allow-Headers", std::string(headers_wanted)},
                                     {"Access-Control-Max-Age", "600"}});
    }
    return call.exchange->Respond({.status = 204, .headers = std::move(headers)});
  }
  if (matched.route == nullptr) {
    const bool known = !matched.allowed.empty();
    ApiError error{known ? 405 : 404, known ? "method_not_allowed" : "not_found",
                   known ? fmt::format("this path takes {}", matched.allowed)
                         : std::string("there is no such path; /openapi.json lists them")};
    return ReplyError(call, error);
  }
  const std::string_view encoding = call.request.Header("content-encoding").value_or("identity");
  if (encoding != "identity") {
    return ReplyError(call, {415, "unsupported_encoding", "send the body as it is, uncompressed"});
  }
  auto admission = access_->Admit(call.request, matched.route->role);
  if (!admission) return ReplyError(call, admission.error());
  call.admission = *std::move(admission);
  (*log_line)["key"] = call.admission->key_name();
  matched.route->handle(*this, call);
}

}  // namespace kinglet
