// SPDX-License-Identifier: Apache-2.0
// kinglet eval retrieval DIR: how well a library finds what answers a question.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/temporary_library.h"
#include "eval/retrieval_suite.h"
#include "knowledge/retriever.h"

namespace kinglet {
namespace {

constexpr int kPassages = 400;  // that are looked through for the first 100 documents

Result<void> Fill(Library& library, const RetrievalSuite& suite) {
  for (const RetrievalDocument& document : suite.documents) {
    DocumentBuilder builder;
    builder.SetTitle(document.title);
    builder.AddParagraph(document.text);
    TRY(library.Put({.uri = document.id, .media_type = "text/plain", .digest = document.id},
                    std::move(builder).Finish(), UnixSeconds()));
  }
  return {};
}

Result<std::vector<std::string>> Retrieve(const Retriever& retriever, std::string_view query) {
  std::vector<std::string> ids;
  const auto add = [&](const std::string& id) {
    if (std::ranges::count(ids, id) == 0) ids.push_back(id);
  };
  for (const Passage& passage : TRY(retriever.Search(query, kPassages))) {
    add(passage.document);
    // The collection knows them as documents of their own.
    std::ranges::for_each(passage.also_in, add);
  }
  return ids;
}

json::array IntervalOf(const Estimate& estimate) { return {estimate.low, estimate.high}; }

Result<void> EvaluateRetrieval(const std::string& folder, const std::string& embedder, bool as_json,
                               const Environment& environment) {
  const RetrievalSuite suite = TRY(ReadRetrievalSuite(folder));
  TemporaryLibrary temporary = TRY(TemporaryLibrary::Make());
  TRY(Fill(temporary.library(), suite));
  TRY(temporary.Embed(embedder, environment));
  const Retriever retriever = temporary.retriever();
  const RetrievalResult result = TRY(
      MeasureRetrieval(suite, [&](std::string_view query) { return Retrieve(retriever, query); }));
  const std::pair<const char*, const Estimate&> figures[] = {{"ndcg_10", result.ndcg_10},
                                                             {"recall_1", result.recall_1},
                                                             {"recall_10", result.recall_10},
                                                             {"recall_100", result.recall_100},
                                                             {"mrr_10", result.mrr_10}};
  if (as_json) {
    json::object out = {{"documents", suite.documents.size()}, {"queries", result.queries}};
    json::object intervals;
    for (const auto& [name, estimate] : figures) {
      out[name] = estimate.mean;
      intervals[name] = IntervalOf(estimate);
    }
    out["ci95"] = std::move(intervals);
    out["ms_p50"] = result.ms_p50;
    out["ms_p99"] = result.ms_p99;
    fmt::print("{}\n", ToJson(out));
    return {};
  }
  fmt::print("{} documents, {} queries\n", suite.documents.size(), result.queries);
  for (const auto& [name, estimate] : figures) {
    fmt::print("{:<10} {:.3f}   95 %: {:.3f} - {:.3f}\n", name, estimate.mean, estimate.low,
               estimate.high);
  }
  fmt::print("a search   {:.1f} ms (p50), {:.1f} ms (p99)\n", result.ms_p50, result.ms_p99);
  return {};
}

}  // namespace

CommandRun SetUpEvalRetrieval(CLI::App& app, const Environment& environment) {
  struct Flags {
    std::string folder;
    std::string embedder;
    bool json = false;
  };
  CLI::App* retrieval = app.add_subcommand(
      "retrieval", "what a search finds of a collection with judgements, in the layout of BEIR");
  retrieval->option_defaults()->always_capture_default();
  auto flags = std::make_shared<Flags>();
  retrieval->add_option("DIR", flags->folder, "corpus.jsonl, queries.jsonl, qrels/test.tsv")
      ->required();
  retrieval->add_option("--embedder", flags->embedder,
                        "search by meaning too, with this model's vectors");
  retrieval->add_flag("--json", flags->json, "print one JSON object");
  return [flags, environment] {
    return EvaluateRetrieval(flags->folder, flags->embedder, flags->json, environment);
  };
}

}  // namespace kinglet
