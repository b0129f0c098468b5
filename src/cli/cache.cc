// SPDX-License-Identifier: Apache-2.0
// kinglet cache list, verify, clear: packed weights, which make starts quick, keys and values of
// prompts that came again, and replies of eval task.
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "engine/page_store.h"
#include "eval/reply_cache.h"
#include "model/packed_cache_folder.h"

namespace kinglet {
namespace {

struct Caches {
  PackedCacheOptions packed;
  std::filesystem::path pages;
  std::filesystem::path replies;
};

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::string ModelOf(const PackedCacheEntry& entry) {
  return entry.header ? entry.header->source_path : std::string();
}

double Megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

json::object EntryJson(const PackedCacheEntry& entry) {
  json::object object = {{"file", entry.path.string()},
                         {"model", ModelOf(entry)},
                         {"bytes", entry.bytes},
                         {"last_used", Iso8601(entry.last_used_ns / kNsPerSecond)},
                         {"stale", entry.stale()}};
  object["error"] = entry.header ? json::value() : json::value(entry.header.error().message());
  return object;
}

json::object PagesJson(const Caches& caches, const PageFolderUse& pages) {
  return {{"folder", caches.pages.string()}, {"files", pages.files}, {"bytes", pages.bytes}};
}

json::object RepliesJson(const Caches& caches, const ReplyCacheUse& replies) {
  return {
      {"file", caches.replies.string()}, {"replies", replies.replies}, {"bytes", replies.bytes}};
}

Result<void> List(const Caches& caches, bool as_json) {
  const PackedCacheOptions& cache = caches.packed;
  const PageFolderUse pages = MeasurePageFolder(caches.pages);
  const ReplyCacheUse replies = MeasureReplyCache(caches.replies);
  const std::vector<PackedCacheEntry> entries = ListPackedCache(cache.folder);
  std::uint64_t bytes = 0;
  for (const PackedCacheEntry& entry : entries) bytes += entry.bytes;
  if (as_json) {
    json::array files;
    for (const PackedCacheEntry& entry : entries) files.push_back(EntryJson(entry));
    fmt::print("{}\n", ToJson(json::object{{"folder", cache.folder.string()},
                                           {"bytes", bytes},
                                           {"max_bytes", cache.max_bytes},
                                           {"files", std::move(files)},
                                           {"pages", PagesJson(caches, pages)},
                                           {"replies", RepliesJson(caches, replies)}}));
    return {};
  }
  for (const PackedCacheEntry& entry : entries) {
    const std::string_view note = !entry.header ? "broken" : entry.stale() ? "model gone" : "";
    fmt::print("{:>10.1f} MB  {}  {:<10}  {}\n", Megabytes(entry.bytes),
               Iso8601(entry.last_used_ns / kNsPerSecond), note, EscapeForDisplay(ModelOf(entry)));
  }
  fmt::print("{:>10.1f} MB of {:.1f} MB at most, in {}\n", Megabytes(bytes),
             Megabytes(cache.max_bytes), EscapeForDisplay(cache.folder.string()));
  fmt::print("{:>10.1f} MB of keys and values in {} pages, in {}\n", Megabytes(pages.bytes),
             pages.files, EscapeForDisplay(caches.pages.string()));
  fmt::print("{:>10.1f} MB of {} replies of eval task, in {}\n", Megabytes(replies.bytes),
             replies.replies, EscapeForDisplay(caches.replies.string()));
  return {};
}

// What is broken is removed: the next start packs it again.
Result<void> Verify(const Caches& caches, bool as_json) {
  HandleInterrupts();
  json::array files;
  std::size_t broken = 0;
  for (const PackedCacheEntry& entry : ListPackedCache(caches.packed.folder)) {
    if (TakeInterrupt()) return Error(StatusCode::kCancelled, "interrupted");
    const Result<void> sound = VerifyPackedFile(entry.path);
    if (!sound) {
      ++broken;
      unlink(entry.path.c_str());
    }
    const std::string problem = sound ? std::string() : sound.error().message();
    if (as_json) {
      json::object object = {{"file", entry.path.string()}, {"model", ModelOf(entry)}};
      object["error"] = sound ? json::value() : json::value(problem);
      files.push_back(std::move(object));
    } else {
      fmt::print("{:<6}  {}\n", sound ? "sound" : "BROKEN",
                 EscapeForDisplay(sound ? ModelOf(entry) : problem));
    }
  }
  const std::size_t broken_pages = VerifyPageFolder(caches.pages);
  if (as_json) {
    fmt::print("{}\n", ToJson(json::object{{"files", std::move(files)},
                                           {"broken", broken},
                                           {"broken_pages", broken_pages}}));
  }
  if (broken + broken_pages == 0) return {};
  return Error(StatusCode::kFailed,
               "{} broken files of packed weights and {} broken pages were removed", broken,
               broken_pages);
}

Result<void> Clear(const Caches& caches, bool as_json) {
  const std::uint64_t bytes = TRY(ClearPackedCache(caches.packed.folder)) +
                              ClearPageFolder(caches.pages).bytes +
                              ClearReplyCache(caches.replies).bytes;
  if (as_json) {
    fmt::print("{}\n", ToJson(json::object{{"removed_bytes", bytes}}));
  } else {
    fmt::print("{:.1f} MB removed\n", Megabytes(bytes));
  }
  return {};
}

struct Action {
  const char* name;
  const char* summary;
  Result<void> (*run)(const Caches& caches, bool as_json);
};

constexpr Action kActions[] = {
    {"list", "what is kept, of which model, used when", List},
    {"verify", "reads everything and checks digests; removes what is broken", Verify},
    {"clear", "removes everything", Clear},
};

}  // namespace

CommandRun SetUpCache(CLI::App& app, const Environment& environment) {
  auto as_json = std::make_shared<bool>(false);
  app.require_subcommand(1);
  std::vector<std::pair<const CLI::App*, const Action*>> actions;
  for (const Action& action : kActions) {
    CLI::App* sub = app.add_subcommand(action.name, action.summary);
    sub->add_flag("--json", *as_json, "print one JSON object");
    actions.emplace_back(sub, &action);
  }
  const Caches caches = {environment.PackedCache(), environment.PageFolder(),
                         environment.ReplyCacheFile()};
  return [as_json, actions, caches]() -> Result<void> {
    for (const auto& [sub, action] : actions) {
      if (sub->parsed()) return action->run(caches, *as_json);
    }
    return {};
  };
}

}  // namespace kinglet
