// SPDX-License-Identifier: Apache-2.0
// kinglet serve: the HTTP server, from its flags to its end by a signal.
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "catalog/catalog.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/open_router.h"
#include "cli/open_vectors.h"
#include "cli/sampling_flags.h"
#include "server/server.h"

namespace kinglet {
namespace {

// Prompts that came before are kept beside those that run: room for more than one.
constexpr std::size_t kKvContexts = 4;
constexpr double kMaxSeconds = 1e6;

struct ServeFlags {
  std::vector<std::string> models;
  std::vector<std::string> libraries;
  std::string intents;
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string unix_socket;
  std::string api_key_file;
  std::vector<std::string> cors_origins;
  std::vector<std::string> allowed_hosts;
  bool insecure = false;
  std::string tls_certificate, tls_key;
  std::size_t max_queue = 512;
  std::size_t max_running = 64;
  std::size_t max_body_bytes = std::size_t{8} << 20;
  double request_timeout_s = 600;
  double drain_s = 30;
  std::optional<double> first_byte_budget_ms;
  std::size_t kv_bytes = 0;
  std::uint64_t page_cache_bytes = std::uint64_t{4} << 30;
  std::uint64_t memory_bytes = 0;
  std::optional<double> keep_alive_s;
  bool quiet = false;
  EngineOptions engine;
};

// NAME=VALUE, or VALUE alone: then the name is empty.
std::pair<std::string, std::string> SplitName(const std::string& text) {
  const std::size_t equals = text.find('=');
  const bool named = equals != std::string::npos && text.find('/') > equals;
  return named ? std::pair(text.substr(0, equals), text.substr(equals + 1))
               : std::pair(std::string(), text);
}

// Of a file its own, of what sentence-transformers publishes that of the folder.
std::string NameOf(const std::filesystem::path& path) {
  if (path.filename() == "model.safetensors") return path.parent_path().filename().string();
  return path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
}

Result<std::vector<OfferedModel>> OfferModels(const ServeFlags& flags,
                                              const Environment& environment) {
  std::vector<std::string> given = flags.models;
  if (given.empty()) given.push_back(environment.settings.model.value_or(""));
  std::vector<OfferedModel> offered;
  for (const std::string& text : given) {
    const auto [alias, model] = SplitName(text);
    OfferedModel offer;
    offer.path = TRY(ResolveModel(model, environment.home));
    offer.name = NameOf(offer.path);
    if (!alias.empty()) offer.aliases.push_back(alias);
    // A name of the catalog is a name for its clients too.
    if (alias.empty() && !model.empty() && model.find('/') == std::string::npos &&
        model != offer.name) {
      offer.aliases.push_back(model);
    }
    const auto before = std::ranges::find(offered, offer.path, &OfferedModel::path);
    if (before != offered.end()) {
      std::ranges::move(offer.aliases, std::back_inserter(before->aliases));
      continue;
    }
    if (std::ranges::count(offered, offer.name, &OfferedModel::name) > 0) {
      return Error(StatusCode::kUsage,
                   "two models are called {}: give one a name of its own, "
                   "--model NAME=PATH",
                   offer.name);
    }
    offered.push_back(std::move(offer));
  }
  return offered;
}

Result<std::vector<ShelvedLibrary>> ShelveLibraries(const ServeFlags& flags,
                                                    const Environment& environment) {
  std::vector<ShelvedLibrary> libraries;
  std::error_code error;
  for (const std::string& text : flags.libraries) {
    const auto [name, folder] = SplitName(text);
    const std::filesystem::path path = folder;
    // An empty folder becomes a library by what is sent to the server.
    if (!std::filesystem::is_directory(path, error)) {
      return Error(StatusCode::kNotFound,
                   "{}: no such folder; `kinglet ingest PATH --library {}` makes a library of it",
                   EscapeForDisplay(folder), EscapeForDisplay(folder));
    }
    libraries.push_back({name.empty() ? path.filename().string() : name, path});
  }
  const std::filesystem::path own = environment.DefaultLibrary();
  if (libraries.empty() && std::filesystem::exists(own, error)) {
    libraries.push_back({"library", own});
  }
  return libraries;
}

bool IsLoopback(const std::string& host) {
  return host.empty() || host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<ServerOptions> OptionsOf(const ServeFlags& flags, const Environment& environment) {
  const bool loopback = IsLoopback(flags.host);
  if (!loopback && flags.api_key_file.empty() && !flags.insecure) {
    return Error(StatusCode::kUsage,
                 "{} can be reached from other machines: give --api-key-file, or --insecure to let "
                 "everybody in",
                 flags.host);
  }
  ServerOptions options;
  options.http.host = flags.host;
  options.http.port = flags.port;
  options.http.unix_socket = flags.unix_socket;
  options.http.tls_certificate = flags.tls_certificate;
  options.http.tls_key = flags.tls_key;
  options.http.max_body_bytes = flags.max_body_bytes;
  options.http.worker_threads = 16;
  options.access.key_file = flags.api_key_file;
  options.access.cors_origins = flags.cors_origins;
  options.access.allowed_hosts = flags.allowed_hosts;
  options.access.loopback = loopback;
  options.models.models = TRY(OfferModels(flags, environment));
  options.models.engine = flags.engine;
  options.models.engine.packed_cache = environment.PackedCache();
  options.models.engine.kv_bytes = flags.kv_bytes;
  options.models.engine.kv_contexts = kKvContexts;
  options.models.engine.max_waiting = flags.max_queue;
  options.models.engine.max_running = flags.max_running;
  options.models.engine.page_folder = environment.PageFolder();
  options.models.engine.page_folder_bytes = flags.page_cache_bytes;
  options.models.memory_bytes = flags.memory_bytes;
  options.models.keep_alive_s = flags.keep_alive_s;
  options.libraries = TRY(ShelveLibraries(flags, environment));
  options.open_vectors = [environment](Library& library) {
    return OpenVectors(library, environment, WarnOnStderr);
  };
  options.router = {flags.intents, TrainedIntents(environment), RouterEmbedder(environment)};
  options.books = environment.BooksKept();
  options.calibration_folder = environment.home / "calibrations";
  options.builtin_calibrations = kBuiltinCalibrationsJson;
  options.first_byte_budget_ms = flags.first_byte_budget_ms;
  options.request_timeout_s = flags.request_timeout_s;
  options.version = KINGLET_VERSION;
  if (!flags.quiet) {
    options.log = [](const std::string& line) { std::fputs((line + "\n").c_str(), stderr); };
  }
  options.warn = WarnOnStderr;
  return options;
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  return signals;
}

// For this thread and all that it starts: signals are left to who waits for them.
void BlockSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// Waits for signals, on a thread of its own: the first SIGTERM or SIGINT drains the server, which
// must outlive this, the second ends it at once. What comes after this has gone changes nothing.
// An hour without one is its time to let the server tidy up.
class SignalThread {
 public:
  SignalThread(Server& server, int drain_ms) {
    thread_ = std::thread([&server, drain_ms] {
      const sigset_t signals = StopSignals();
      for (int stops = 0;;) {
        constexpr timespec kHour = {.tv_sec = 3600, .tv_nsec = 0};
        const int signal = sigtimedwait(&signals, nullptr, &kHour);
        if (signal < 0 && errno == EAGAIN) server.PruneLedger();
        if (signal < 0) continue;
        if (signal == SIGUSR1) return;
        server.Stop(stops++ == 0 ? drain_ms : 0);
      }
    });
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;
  ~SignalThread() {
    pthread_kill(thread_.native_handle(), SIGUSR1);  // only to wake it
    thread_.join();
  }

 private:
  std::thread thread_;
};

std::string AddressOf(const ServeFlags& flags, std::uint16_t port) {
  const bool is_ipv6 = flags.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", flags.tls_certificate.empty() ? "http" : "https",
                     is_ipv6 ? "[" : "", flags.host, is_ipv6 ? "]" : "", port);
}

Result<void> RunServe(const ServeFlags& flags, const Environment& environment) {
  BlockSignals();
  const double start_ms = MonotonicMs();
  const std::unique_ptr<Server> server = TRY(Server::Start(TRY(OptionsOf(flags, environment))));
  const SignalThread signals(*server, static_cast<int>(flags.drain_s * 1000));
  // Scripts wait for this line.
  fmt::print("kinglet serves {} at {}, ready after {:.0f} ms\n",
             server->models().offered().front().name, AddressOf(flags, server->port()),
             MonotonicMs() - start_ms);
  std::fflush(stdout);
  server->Run();
  return {};
}

void AddAccessFlags(CLI::App& app, ServeFlags& flags) {
  app.add_option("--host", flags.host, "address to listen at; empty: none");
  app.add_option("--port", flags.port, "port to listen at; 0: one that is free")
      ->check(WholeFrom(0, 65535));
  app.add_option("--unix-socket", flags.unix_socket, "also listen at this path");
  app.add_option("--api-key-file", flags.api_key_file,
                 "TOML file of the keys that may come in; `kinglet help keys`");
  app.add_flag("--insecure", flags.insecure,
               "let everybody in who can reach an address of other machines");
  app.add_option("--cors-origin", flags.cors_origins,
                 "origin whose pages may ask, or *; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--allowed-host", flags.allowed_hosts,
                 "name that the server is called by, beside its address; several times")
      ->allow_extra_args(false);
  app.add_option("--tls-cert", flags.tls_certificate, "certificate (PEM): TLS at host and port");
  app.add_option("--tls-key", flags.tls_key, "its key (PEM)");
}

void AddLimitFlags(CLI::App& app, ServeFlags& flags) {
  app.add_option("--max-queue", flags.max_queue, "requests that may wait; more are answered 429")
      ->check(WholeFrom(1, 1'000'000));
  app.add_option("--max-running", flags.max_running, "requests that are computed together")
      ->check(WholeFrom(1, 256));
  app.add_option("--max-body-bytes", flags.max_body_bytes, "bytes of a request's body")
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--request-timeout-s", flags.request_timeout_s, "seconds that a request may take")
      ->check(NumberFrom(0, kMaxSeconds));
  app.add_option("--drain-s", flags.drain_s, "seconds that requests may take to end after SIGTERM")
      ->check(NumberFrom(0, kMaxSeconds));
  app.add_option("--first-byte-budget-ms", flags.first_byte_budget_ms,
                 "refuse at once what could not begin to answer within so many milliseconds")
      ->check(NumberFrom(0, 1000 * kMaxSeconds));
  app.add_option("--kv-bytes", flags.kv_bytes,
                 fmt::format("bytes of memory for keys and values of a model, taken as they are "
                             "needed; 0: of {} contexts",
                             kKvContexts))
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--page-cache-bytes", flags.page_cache_bytes,
                 "disk for keys and values of prompts that came again; 0: none")
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--memory-bytes", flags.memory_bytes,
                 "memory for all models; idle ones are unloaded for others; 0: no limit")
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--keep-alive-s", flags.keep_alive_s,
                 "unload a model that nobody asked for so many seconds")
      ->check(NumberFrom(0, kMaxSeconds));
}

}  // namespace

CommandRun SetUpServe(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<ServeFlags>();
  app.add_option("--model", flags->models,
                 "path, catalog name or hf:user/repo:quant; NAME=MODEL gives it a name more; "
                 "several times: the first is loaded at once, the others when they are asked for")
      ->allow_extra_args(false);
  app.add_option("--library", flags->libraries,
                 "folder of a library, or NAME=FOLDER; several times")
      ->allow_extra_args(false);
  app.add_option("--intents", flags->intents,
                 "TOML file of intents, trained before: /v1/route says which a question is of");
  AddAccessFlags(app, *flags);
  AddLimitFlags(app, *flags);
  AddThreadsFlag(app, flags->engine);
  AddKvTypeFlag(app, flags->engine);
  app.add_option("-c,--context", flags->engine.context_tokens,
                 "tokens that prompt and answer may hold together; 0: the model's, at most 8192")
      ->check(WholeFrom(0, kMaxInt));
  AddShortcutFlags(app, flags->engine);
  app.add_flag("--quiet", flags->quiet, "write no line for each request to standard error");
  return [flags, environment] { return RunServe(*flags, environment); };
}

}  // namespace kinglet
