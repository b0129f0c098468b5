// SPDX-License-Identifier: Apache-2.0
// kinglet ingest PATH...: reads files and folders into a library.
#include "knowledge/ingest.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/open_vectors.h"
#include "cli/progress.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

struct Flags {
  std::vector<std::filesystem::path> paths;
  std::string library;
  std::string embedder;
  IngestOptions options;
  bool json = false;
  bool show_progress = false;
  std::string personal_data;  // a policy; empty: the library's own
};

constexpr IngestOutcome kOutcomes[] = {IngestOutcome::kAdded,     IngestOutcome::kReplaced,
                                       IngestOutcome::kMoved,     IngestOutcome::kRemoved,
                                       IngestOutcome::kUnchanged, IngestOutcome::kSkipped,
                                       IngestOutcome::kFailed};
constexpr std::size_t kKindsShown = 8;  // of suffixes

// Shows each event as it comes and counts them.
class Report {
 public:
  explicit Report(const Flags& flags) : flags_(flags) { Begin("ingest", ProgressUnit::kDocuments); }

  void Show(const IngestEvent& event) {
    ++counts_[static_cast<int>(event.outcome)];
    if (event.outcome == IngestOutcome::kSkipped) ++skipped_[SuffixOf(event.uri)];
    if (flags_.json) PrintJson(event);
    if (event.outcome == IngestOutcome::kFailed) {
      progress_->Print(fmt::format("kinglet: {}: {}", EscapeForDisplay(event.uri),
                                   EscapeForDisplay(event.reason)));
    }
    progress_->Update(event.index + 1, event.count);
  }

  // Of passages whose vectors are made.
  void ShowEmbedded(std::int64_t done, std::int64_t total) {
    if (!embedded_) Begin("embed", ProgressUnit::kPassages);
    embedded_ = done;
    progress_->Update(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total));
  }

  void PrintTotals() {
    progress_->Clear();
    const double ms = MonotonicMs() - start_ms_;
    if (flags_.json) {
      json::object totals;
      for (const IngestOutcome outcome : kOutcomes) totals[Name(outcome)] = count(outcome);
      if (embedded_) totals["embedded"] = *embedded_;
      totals["ms"] = ms;
      fmt::print("{}\n", ToJson(totals));
      return;
    }
    std::string line;
    for (const IngestOutcome outcome : kOutcomes) {
      if (count(outcome) == 0) continue;
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count(outcome), Name(outcome));
    }
    if (const std::int64_t embedded = embedded_.value_or(0); embedded > 0) {
      line += fmt::format("{}{} passages embedded", line.empty() ? "" : ", ", embedded);
    }
    fmt::print("{} in {:.1f} s\n", line.empty() ? "no files" : line, ms / 1000);
    if (!skipped_.empty()) PrintSkipped();
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

  static std::string SuffixOf(const std::string& uri) {
    const std::string suffix = LowerAscii(std::filesystem::path(uri).extension().string());
    return suffix.empty() ? "without suffix" : suffix;
  }

  // By suffix, the commonest first: whether what a user cares for is among them shows at a glance.
  void PrintSkipped() const {
    std::vector<std::pair<std::string, int>> kinds(skipped_.begin(), skipped_.end());
    std::ranges::sort(kinds, {},
                      [](const auto& kind) { return std::pair(-kind.second, kind.first); });
    std::string line;
    for (const auto& [suffix, count] : kinds | std::views::take(kKindsShown)) {
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count, EscapeForDisplay(suffix));
    }
    if (kinds.size() > kKindsShown) line += ", ...";
    fmt::print("skipped, for their format: {}; kinglet library report names them\n", line);
  }

  void Begin(const char* label, ProgressUnit unit) {
    progress_ = std::make_unique<Progress>(label, unit, flags_.show_progress);
  }

  const Flags& flags_;
  int counts_[std::size(kOutcomes)] = {};
  std::map<std::string, int> skipped_;  // by suffix
  double start_ms_ = MonotonicMs();
  std::unique_ptr<Progress> progress_;  // the one that is shown
  std::optional<std::int64_t> embedded_;
};

// With the embedder that the user names, or the one that the library remembers; none: no vectors.
Result<void> Embed(Library& library, const Flags& flags, const Environment& environment,
                   Report& report) {
  // A file is found again from any folder.
  std::error_code error;
  std::string name =
      std::filesystem::exists(flags.embedder, error)
          ? std::filesystem::absolute(flags.embedder, error).lexically_normal().string()
          : flags.embedder;
  if (name.empty()) {
    const auto record = TRY(library.FindEmbedder());
    if (!record || TRY(library.CountChunksWithoutVectors()) == 0) return {};
    name = record->name;
  }
  const auto embedder = TRY(OpenEmbedder(name, environment, AvailableCpus()));
  report.ShowEmbedded(0, 0);
  return EmbedLibrary(library, *embedder, name, [&](std::int64_t done, std::int64_t total) {
    report.ShowEmbedded(done, total);
    return !TakeInterrupt();
  });
}

Result<void> Run(const Flags& flags, const Environment& environment) {
  HandleInterrupts();
  if (flags.paths.empty() && flags.embedder.empty()) {
    return Error(StatusCode::kUsage, "PATH is required: files and folders to read");
  }
  Library library = TRY(Library::Open(flags.library, LibraryMode::kWrite));
  if (const auto policy = PersonalDataPolicyNamed(flags.personal_data)) {
    TRY(library.SetPersonalDataPolicy(*policy));
  }
  Report report(flags);
  Result<void> result = Ingest(library, flags.paths, flags.options, [&](const IngestEvent& event) {
    report.Show(event);
    return !TakeInterrupt();
  });
  if (result) result = Embed(library, flags, environment, report);
  report.PrintTotals();
  if (!result) return result;
  if (const std::size_t count = TRY(library.ListKeptOtherwise()).size(); count > 0) {
    fmt::print(stderr,
               "kinglet: {} documents with personal data were kept by another policy, and stay as "
               "they are until they are ingested again; kinglet library report names them\n",
               count);
  }
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
                 "JSON, mail, source code; zip and tar archives of them");
  app.add_option("--library", flags->library, "folder of the library, made where it is missing");
  app.add_option("--embedder", flags->embedder,
                 "model whose vectors find passages by meaning: path, catalog name or "
                 "hf:user/repo:quant; the library remembers it");
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
  app.add_option("--personal-data", flags->personal_data,
                 "of addresses, numbers of phones, accounts and cards: keep them, mask them, or "
                 "refuse documents that have any; the library remembers it")
      ->check(CLI::IsMember({"keep", "mask", "refuse"}))
      ->default_str("the library's, at first keep");
  app.add_flag("--json", flags->json, "one JSON object a file once it is on disk, then the totals");
  return [flags, environment] { return Run(*flags, environment); };
}

}  // namespace kinglet
