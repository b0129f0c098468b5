// SPDX-License-Identifier: Apache-2.0
// kinglet search QUERY: the passages that retrieval finds.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/open_vectors.h"
#include "knowledge/retriever.h"

namespace kinglet {
namespace {

struct Flags {
  std::string query;
  std::string library;
  int limit = 10;
  bool json = false;
};

// Why it stands where it stands.
std::string Ranks(const Passage& passage) {
  std::string ranks;
  if (passage.lexical_rank) ranks += fmt::format(", {} by words", *passage.lexical_rank);
  if (passage.vector_rank) ranks += fmt::format(", {} by meaning", *passage.vector_rank);
  return ranks;
}

void PrintPassage(std::size_t number, const Passage& passage) {
  fmt::print("[{}] {}\n", number, EscapeForDisplay(passage.title));
  if (!passage.heading.empty()) fmt::print("    {}\n", EscapeForDisplay(passage.heading));
  const std::string page = passage.page ? fmt::format(", page {}", *passage.page) : "";
  const auto line = passage.LineAt(passage.start_byte);
  fmt::print("    {}{}{}, bytes {} to {}, score {:.2f}{}\n", EscapeForDisplay(passage.document),
             page, line ? fmt::format(", line {}", *line) : "", passage.start_byte,
             passage.end_byte, passage.score, Ranks(passage));
  for (const std::string& uri : passage.also_in) {
    fmt::print("    also in {}\n", EscapeForDisplay(uri));
  }
  fmt::print("\n{}\n\n", EscapeForDisplay(passage.text, Lines::kKeep));
}

Result<void> Run(const Flags& flags, const Environment& environment) {
  Library library = TRY(Library::Open(flags.library, LibraryMode::kRead));
  const auto vectors = OpenVectors(library, environment, WarnOnStderr);
  const double start_ms = MonotonicMs();
  const std::vector<Passage> passages =
      TRY(Retriever{library, vectors.get()}.Search(flags.query, flags.limit));
  const double ms = MonotonicMs() - start_ms;
  if (flags.json) {
    json::array array;
    for (const Passage& passage : passages) array.push_back(ToJson(passage));
    fmt::print("{}\n",
               ToJson(json::object{
                   {"query", EscapeForDisplay(flags.query)}, {"passages", array}, {"ms", ms}}));
    return {};
  }
  for (std::size_t i = 0; i < passages.size(); ++i) PrintPassage(i + 1, passages[i]);
  if (passages.empty()) fmt::print("nothing in the library holds a word of this\n");
  return {};
}

}  // namespace

CommandRun SetUpSearch(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<Flags>();
  flags->library = environment.DefaultLibrary().string();
  app.add_option("QUERY", flags->query, "words or a question, as plain text")->required();
  app.add_option("--library", flags->library, "folder of the library");
  app.add_option("-k,--limit", flags->limit, "at most this many passages")
      ->check(WholeFrom(1, 1000));
  app.add_flag("--json", flags->json, "one JSON object");
  return [flags, environment] { return Run(*flags, environment); };
}

}  // namespace kinglet
