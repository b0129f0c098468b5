// SPDX-License-Identifier: Apache-2.0
// kinglet ingest PATH...: reads files and folders into a library.
#include "knowledge/ingest.h"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/interrupt.h"

namespace kinglet {
namespace {

struct Flags {
  std::vector<std::filesystem::path> paths;
  std::string library;
  IngestOptions options;
  bool json = false;
  bool show_progress = false;
};

constexpr IngestOutcome kOutcomes[] = {IngestOutcome::kAdded,     IngestOutcome::kReplaced,
                                       IngestOutcome::kMoved,     IngestOutcome::kRemoved,
                                       IngestOutcome::kUnchanged, IngestOutcome::kSkipped,
                                       IngestOutcome::kFailed};
constexpr double kProgressPeriodMs = 100;

// Shows each event as it comes and counts them.
class Report {
 public:
  explicit Report(const Flags& flags) : flags_(flags) {}

  void Show(const IngestEvent& event) {
    ++counts_[static_cast<int>(event.outcome)];
    if (flags_.json) PrintJson(event);
    if (event.outcome == IngestOutcome::kFailed) {
      ClearProgress();
      fmt::print(stderr, "kinglet: {}: {}\n", EscapeForDisplay(event.uri),
                 EscapeForDisplay(event.reason));
    }
    const double now_ms = MonotonicMs();
    if (flags_.show_progress && now_ms - shown_ms_ >= kProgressPeriodMs) {
      shown_ms_ = now_ms;
      PrintProgress(event);
    }
  }

  void PrintTotals() {
    ClearProgress();
    const double ms = MonotonicMs() - start_ms_;
    if (flags_.json) {
      json::object totals;
      for (const IngestOutcome outcome : kOutcomes) totals[Name(outcome)] = count(outcome);
      totals["ms"] = ms;
      fmt::print("{}\n", ToJson(totals));
      return;
    }
    std::string line;
    for (const IngestOutcome outcome : kOutcomes) {
      if (count(outcome) == 0) continue;
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count(outcome), Name(outcome));
    }
    fmt::print("{} in {:.1f} s\n", line.empty() ? "no files" : line, ms / 1000);
  }

  int count(IngestOutcome outcome) const { return counts_[static_cast<int>(outcome)]; }

 private:
  // Flushed: who reads the line knows that the file's transaction is on disk.
  static void PrintJson(const IngestEvent& event) {
    json::object line{{"document", IsUtf8(event.uri) ? event.uri : EscapeForDisplay(event.uri)},
                      {"outcome", Name(event.outcome)}};
    if (!event.reason.empty()) line["reason"] = EscapeForDisplay(event.reason);
    fmt::print("{}\n", ToJson(line));
    std::fflush(stdout);
  }

  void PrintProgress(const IngestEvent& event) {
    const double seconds = (MonotonicMs() - start_ms_) / 1000;
    const auto done = static_cast<double>(event.index + 1);
    const double left_s = seconds / done * static_cast<double>(event.count - event.index - 1);
    fmt::print(stderr, "\r\x1b[K{} of {} documents, {:.0f}/s, {:.0f} s left", event.index + 1,
               event.count, done / seconds, left_s);
    std::fflush(stderr);
    progress_shown_ = true;
  }

  void ClearProgress() {
    if (progress_shown_) fmt::print(stderr, "\r\x1b[K");
    progress_shown_ = false;
  }

  const Flags& flags_;
  int counts_[std::size(kOutcomes)] = {};
  double start_ms_ = MonotonicMs();
  double shown_ms_ = start_ms_;
  bool progress_shown_ = false;
};

Result<void> Run(const Flags& flags) {
  HandleInterrupts();
  Library library = TRY(Library::Open(flags.library, LibraryMode::kWrite));
  Report report(flags);
  const Result<void> result =
      Ingest(library, flags.paths, flags.options, [&](const IngestEvent& event) {
        report.Show(event);
        return !TakeInterrupt();
      });
  report.PrintTotals();
  if (!result) return result;
  if (const int failed = report.count(IngestOutcome::kFailed); failed > 0) {
    return Error(StatusCode::kFailed, "{} of the files could not be read; all others are in {}",
                 failed, flags.library);
  }
  return {};
}

}  // namespace

CommandRun SetUpIngest(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<Flags>();
  flags->library = environment.DefaultLibrary().string();
  flags->show_progress = environment.stderr_is_terminal;
  app.add_option("PATH", flags->paths,
                 "files and folders: PDF, Office, OpenDocument, EPUB, HTML, Markdown, text, CSV, "
                 "JSON, mail, source code; zip and tar archives of them")
      ->required();
  app.add_option("--library", flags->library, "folder of the library, made where it is missing");
  app.add_option("--include", flags->options.walk.include,
                 "in folders and archives, only files that match this pattern, as *.md; may be "
                 "repeated")
      ->allow_extra_args(false);
  app.add_option("--exclude", flags->options.walk.exclude,
                 "in folders and archives, no files and folders that match this pattern; may be "
                 "repeated")
      ->allow_extra_args(false);
  app.add_flag("--hidden", flags->options.walk.hidden, "in folders and archives, hidden files too");
  app.add_flag("--follow-links", flags->options.walk.follow_links,
               "in folders, symbolic links too");
  app.add_flag("--json", flags->json, "one JSON object a file once it is on disk, then the totals");
  return [flags] { return Run(*flags); };
}

}  // namespace kinglet
