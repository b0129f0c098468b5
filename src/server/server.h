// SPDX-License-Identifier: Apache-2.0
// `kinglet serve`: start here. A request comes from net/http_server.h, finds its route in the table
// (routes.h), is let in (access.h), and is answered by the route's handler, which asks a model
// (model_host.h, generation_call.h) or a library (library_shelf.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "answer/calibrations.h"
#include "base/status.h"
#include "ledger/books.h"
#include "net/http_server.h"
#include "server/access.h"
#include "server/library_shelf.h"
#include "server/metrics.h"
#include "server/model_host.h"
#include "server/openai_responses.h"
#include "server/router_shelf.h"

namespace kinglet {

struct ServerOptions {
  HttpServerOptions http;
  AccessOptions access;
  ModelHostOptions models;
  std::vector<ShelvedLibrary> libraries;
  VectorsOpener open_vectors;  // may be empty: by words alone
  RouterFiles router;
  BooksOptions books;
  // What models' likelihoods are worth, as FindCalibration looks for it.
  std::filesystem::path calibration_folder;
  std::string_view builtin_calibrations;
  std::optional<double> first_byte_budget_ms;  // of interactive requests that name none
  double request_timeout_s = 600;
  std::string version;
  // A line for each request, JSON, without what was asked or answered; empty: none.
  std::function<void(const std::string& line)> log;
  std::function<void(const std::string& warning)> warn;
};

class Server {
 public:
  // Binds the address and loads the first model.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const { return http_->port(); }
  // Serves until Stop.
  void Run() { http_->Run(); }
  // From any thread: nobody new is let in, what runs may end within drain_ms.
  void Stop(int drain_ms);
  // From any thread: removes the ledger's rows that are too old, which answers do two at a time.
  void PruneLedger();

  // ---- for the routes ----
  const ServerOptions& options() const { return options_; }
  ModelHost& models() { return *models_; }
  LibraryShelf& libraries() { return libraries_; }
  RouterShelf& router() { return router_; }
  CalibrationShelf& calibrations() { return calibrations_; }
  Books& books() { return books_; }
  Metrics& metrics() { return metrics_; }
  ResponseMemory& responses() { return responses_; }
  Access& access() { return *access_; }
  bool draining() const { return draining_; }
  std::size_t connections() const { return http_->connections(); }

 private:
  explicit Server(ServerOptions options);
  void Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange);
  void WarnOfMissing(const Intents& intents) const;

  ServerOptions options_;
  Metrics metrics_;
  Books books_;
  LibraryShelf libraries_;
  RouterShelf router_;
  CalibrationShelf calibrations_;
  ResponseMemory responses_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<ModelHost> models_;
  std::atomic<bool> draining_ = false;
  std::unique_ptr<HttpServer> http_;  // last: its threads use all above
};

}  // namespace kinglet
