// SPDX-License-Identifier: Apache-2.0
// kinglet library: what a library holds, and whether it is sound.
#include "knowledge/library.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/library_report.h"
#include "knowledge/library_export.h"

namespace kinglet {
namespace {

struct Flags {
  std::string library;
  std::string document;
  bool json = false;
  bool text = false;
};

// A document is named by its uri, or by the path of its file from here.
Result<std::string> FindUri(Library& library, const std::string& name) {
  if (TRY(library.FindDocument(name))) return name;
  std::error_code error;
  return std::filesystem::absolute(name, error).lexically_normal().string();
}

Result<void> List(const Flags& flags) {
  Library library = TRY(Library::Open(flags.library, LibraryMode::kRead));
  const std::vector<DocumentRecord> records = TRY(library.ListDocuments());
  if (flags.json) {
    json::array documents;
    for (const DocumentRecord& record : records) documents.push_back(ToJson(record));
    fmt::print("{}\n", ToJson(json::object{{"library", flags.library}, {"documents", documents}}));
    return {};
  }
  fmt::print("{:>10}  {:>6}  DOCUMENT\n", "TEXT BYTES", "CHUNKS");
  for (const DocumentRecord& record : records) {
    fmt::print("{:>10}  {:>6}  {}  ({})\n", record.text_bytes, record.chunk_count,
               EscapeForDisplay(record.source.uri), EscapeForDisplay(record.title));
  }
  return {};
}

void PrintDetails(const DocumentDetails& details) {
  const DocumentRecord& record = details.record;
  fmt::print("{}\n{}\n", EscapeForDisplay(record.title), EscapeForDisplay(record.source.uri));
  fmt::print("{}, {} bytes, SHA-256 {}\n", record.source.media_type, record.source.size_bytes,
             record.source.digest);
  fmt::print("text: {} bytes, SHA-256 {}, read {}\n", record.text_bytes, record.text_digest,
             Iso8601(record.ingested_at));
  for (const ChunkRecord& chunk : details.chunks) {
    fmt::print("{:>10} to {:<10}  {}\n", chunk.range.begin, chunk.range.end,
               EscapeForDisplay(chunk.heading));
  }
}

Result<void> Show(const Flags& flags) {
  Library library = TRY(Library::Open(flags.library, LibraryMode::kRead));
  const std::string uri = TRY(FindUri(library, flags.document));
  const DocumentDetails details = TRY(library.ShowDocument(uri));
  if (flags.json) {
    json::object object = ToJson(details);
    if (!flags.text) object.erase("text");
    fmt::print("{}\n", ToJson(object));
  } else if (flags.text) {
    // Byte for byte into a file, harmless on a terminal.
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    fmt::print("{}", terminal ? EscapeForDisplay(details.text, Lines::kKeep) + "\n" : details.text);
  } else {
    PrintDetails(details);
  }
  return {};
}

Result<void> Remove(const Flags& flags) {
  TRY(Library::Open(flags.library, LibraryMode::kRead));  // a typing error makes no new library
  Library library = TRY(Library::Open(flags.library, LibraryMode::kWrite));
  const std::string uri = TRY(FindUri(library, flags.document));
  TRY(library.Remove(uri));
  TRY(library.Purge());
  if (flags.json) {
    fmt::print("{}\n", ToJson(json::object{{"removed", uri}}));
  } else {
    fmt::print("removed {}\n", EscapeForDisplay(uri));
  }
  return {};
}

Result<void> Verify(const Flags& flags) {
  Library library = TRY(Library::Open(flags.library, LibraryMode::kRead));
  const VerifyReport report = TRY(library.Verify());
  if (flags.json) {
    json::array problems;
    for (const std::string& problem : report.problems) problems.emplace_back(problem);
    fmt::print("{}\n", ToJson(json::object{{"ok", report.problems.empty()},
                                           {"documents", report.documents},
                                           {"chunks", report.chunks},
                                           {"problems", problems}}));
  } else {
    for (const std::string& problem : report.problems) fmt::print("{}\n", problem);
    fmt::print("{} documents, {} chunks, {} problems\n", report.documents, report.chunks,
               report.problems.size());
  }
  if (report.problems.empty()) return {};
  return Error(StatusCode::kFailed,
               "{}: the library is damaged; move it away and ingest its documents again",
               flags.library);
}

Result<void> Report(const Flags& flags) {
  Library library = TRY(Library::Open(flags.library, LibraryMode::kRead));
  return PrintLibraryReport(library, flags.library, flags.json);
}

struct Action {
  const char* name;
  const char* summary;
  Result<void> (*run)(const Flags& flags);
  bool takes_document;
};

constexpr Action kActions[] = {
    {"list", "the documents", List, false},
    {"show", "one document: where it came from, its chunks, its text", Show, true},
    {"remove", "takes one document out, or those of an archive; the file stays", Remove, true},
    {"report", "languages, duplicates, personal data, and what was not read", Report, false},
    {"verify", "reads everything and checks digests, chunks and index", Verify, false},
};

}  // namespace

CommandRun SetUpLibrary(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<Flags>();
  flags->library = environment.DefaultLibrary().string();
  app.require_subcommand(1);
  std::vector<std::pair<const CLI::App*, const Action*>> actions;
  for (const Action& action : kActions) {
    CLI::App* sub = app.add_subcommand(action.name, action.summary);
    sub->option_defaults()->always_capture_default();
    if (action.takes_document) {
      sub->add_option("DOCUMENT", flags->document, "as list names it, or a path")->required();
    }
    if (action.run == Show) sub->add_flag("--text", flags->text, "the kept text");
    sub->add_option("--library", flags->library, "folder of the library");
    sub->add_flag("--json", flags->json, "one JSON object");
    actions.emplace_back(sub, &action);
  }
  const CommandRun exporting = SetUpLibraryExport(app, environment);
  const CommandRun importing = SetUpLibraryImport(app, environment);
  return [&app, flags, actions, exporting, importing]() -> Result<void> {
    if (app.got_subcommand("export")) return exporting();
    if (app.got_subcommand("import")) return importing();
    for (const auto& [sub, action] : actions) {
      if (sub->parsed()) return action->run(*flags);
    }
    return {};
  };
}

}  // namespace kinglet
