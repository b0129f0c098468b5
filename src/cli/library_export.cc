// SPDX-License-Identifier: Apache-2.0
// kinglet library export, import: a library as lines of JSON, to keep or to take elsewhere.
#include "knowledge/library_export.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/standard_input.h"

namespace kinglet {
namespace {

struct Flags {
  std::string library;
  std::string file;
  bool json = false;
  bool show_progress = false;
};

bool IsStandard(const std::string& file) { return file == "-"; }

// Lines are the result on standard output; what else is to be said goes elsewhere.
Result<void> Export(const Flags& flags) {
  Library library = TRY(Library::Open(flags.library, LibraryMode::kRead));
  if (IsStandard(flags.file)) {
    (void)TRY(library.Export([](const std::string& line) -> Result<void> {
      fmt::print("{}\n", line);
      return {};
    }));
    return {};
  }
  ReplacementFile file = TRY(ReplacementFile::Begin(flags.file));
  const std::int64_t documents =
      TRY(library.Export([&](const std::string& line) { return file.Append(line + "\n"); }));
  TRY(file.Finish());
  if (flags.json) {
    fmt::print("{}\n", ToJson(json::object{{"file", flags.file}, {"documents", documents}}));
  } else {
    fmt::print("{} documents in {}\n", documents, EscapeForDisplay(flags.file));
  }
  return {};
}

void PrintCounts(const ImportCounts& counts, double ms, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", ToJson(json::object{{"added", counts.added},
                                           {"replaced", counts.replaced},
                                           {"unchanged", counts.unchanged},
                                           {"refused", counts.refused},
                                           {"ms", ms}}));
    return;
  }
  fmt::print(
      "{} added, {} replaced, {} unchanged{} in {:.1f} s\n", counts.added, counts.replaced,
      counts.unchanged,
      counts.refused == 0 ? "" : fmt::format(", {} refused for personal data", counts.refused),
      ms / 1000);
}

Result<void> Import(const Flags& flags) {
  struct Close {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> opened;
  if (!IsStandard(flags.file)) {
    opened.reset(std::fopen(flags.file.c_str(), "rbe"));
    if (opened == nullptr) return ErrnoError(flags.file, "open it");
  }
  std::FILE* const file = opened == nullptr ? stdin : opened.get();
  HandleInterrupts();
  Library library = TRY(Library::Open(flags.library, LibraryMode::kWrite));
  Progress progress("import", ProgressUnit::kDocuments, flags.show_progress);
  const double start_ms = MonotonicMs();
  ImportCounts last;
  const Result<void> result = ImportLibrary(
      library, [file] { return ReadLine(file, kMaxExportLineBytes); },
      [&](const ImportCounts& counts) {
        last = counts;
        progress.Update(static_cast<std::uint64_t>(counts.done()),
                        static_cast<std::uint64_t>(counts.documents));
        return !TakeInterrupt();
      });
  progress.Clear();
  PrintCounts(last, MonotonicMs() - start_ms, flags.json);
  if (result) return {};
  return std::unexpected(
      result.error().WithContext(IsStandard(flags.file) ? "standard input" : flags.file));
}

CommandRun SetUp(CLI::App& sub, const Environment& environment, const std::string& about_file,
                 Result<void> (*run)(const Flags& flags)) {
  auto flags = std::make_shared<Flags>();
  flags->library = environment.DefaultLibrary().string();
  flags->show_progress = environment.stderr_is_terminal;
  sub.option_defaults()->always_capture_default();
  if (run == Export) flags->file = "-";
  sub.add_option("FILE", flags->file, about_file)->required(run == Import);
  sub.add_option("--library", flags->library, "folder of the library");
  sub.add_flag("--json", flags->json, "the counts as one JSON object");
  return [flags, run] { return run(*flags); };
}

}  // namespace

CommandRun SetUpLibraryExport(CLI::App& app, const Environment& environment) {
  return SetUp(*app.add_subcommand("export", "all documents as lines of JSON"), environment,
               "where to; - is standard output", Export);
}

CommandRun SetUpLibraryImport(CLI::App& app, const Environment& environment) {
  return SetUp(*app.add_subcommand("import",
                                   "takes in what export wrote; --library is made where "
                                   "it is missing"),
               environment, "what export wrote; - is standard input", Import);
}

}  // namespace kinglet
