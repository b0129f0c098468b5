// SPDX-License-Identifier: Apache-2.0
// kinglet pull [MODEL]: gets a model, licence and size shown first.
#include "catalog/pull.h"

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/progress.h"

namespace kinglet {
namespace {

struct PullFlags {
  std::string model;
  bool verify = false;
  int timeout_s = 30;
};

std::string Summary(const ModelEntry& entry) {
  const std::optional<std::uint64_t> bytes = entry.bytes();
  return EscapeForDisplay(fmt::format("{}: {}, licence {}, made by {}", entry.name,
                                      bytes ? SizeText(*bytes) : "size not known yet",
                                      entry.licence, entry.repository));
}

Result<void> Pull(const PullFlags& flags, const Environment& environment) {
  HandleInterrupts();
  std::optional<Progress> progress;
  std::uint64_t done = 0;
  std::optional<std::uint64_t> total;
  bool interrupted = false;
  const auto should_stop = [&] {
    // A stalled server shows as a falling rate.
    if (done > 0) progress->Update(done, total);
    return interrupted = interrupted || TakeInterrupt();
  };
  const Store store(environment.home);
  const ModelEntry entry = TRY(FindModel(flags.model, environment.home, should_stop));
  progress.emplace(entry.name, ProgressUnit::kBytes, environment.stderr_is_terminal);
  if (flags.verify || !store.Has(entry)) progress->Print(Summary(entry));
  const Result<std::filesystem::path> path = PullModel(
      entry, store,
      {.connect_timeout_ms = 5000, .stall_timeout_s = flags.timeout_s, .verify = flags.verify},
      {.on_note = [&](std::string_view line) { progress->Print("kinglet: " + std::string(line)); },
       .on_progress =
           [&](std::uint64_t now_done, std::optional<std::uint64_t> now_total) {
             done = now_done;
             total = now_total;
             progress->Update(done, total);
           },
       .should_stop = should_stop});
  progress->Clear();
  if (path) {
    fmt::print("{}\n", path->string());
    return {};
  }
  if (path.error().code() != StatusCode::kCancelled) return std::unexpected(path.error());
  return Error(StatusCode::kCancelled, "interrupted; the next `kinglet pull` goes on from here");
}

}  // namespace

CommandRun SetUpPull(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<PullFlags>();
  app.add_option("MODEL", flags->model,
                 "a name that `kinglet models` lists, a URL of a .gguf, hf:user/repo:QUANT or "
                 "hf:user/repo/FILE.gguf; without it, the default model");
  app.add_flag("--verify", flags->verify, "hash the files again that are here already");
  app.add_option("--timeout", flags->timeout_s, "give up on a server that is silent so long, in s")
      ->check(WholeFrom(1, 3600));
  return [flags, environment] { return Pull(*flags, environment); };
}

}  // namespace kinglet
