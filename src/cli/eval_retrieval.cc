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
#include "cli/output_files.h"
#include "cli/temporary_library.h"
#include "eval/outcome_lines.h"
#include "eval/retrieval_suite.h"
#include "eval/show_interval.h"
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

struct RetrievalFlags {
  std::string folder;
  std::string embedder;
  std::string outcomes;
  bool json = false;
};

Result<void> Write(const RetrievalFlags& flags, const RetrievalSuite& suite,
                   const RetrievalResult& result) {
  const json::object run = {
      {"task", "retrieval"}, {"embedder", flags.embedder}, {"data", suite.digest}};
  std::vector<OutcomeLine> lines;
  for (std::size_t i = 0; i < suite.queries.size(); ++i) {
    OutcomeLine& line = lines.emplace_back(OutcomeLine{.id = suite.queries[i].id});
    for (const auto& [name, metric] : kRetrievalMetrics)
      line.scores[name] = result.scores[i].*metric;
  }
  return WriteOutcomes(flags.outcomes, run, lines);
}

Result<void> EvaluateRetrieval(const RetrievalFlags& flags, const Environment& environment) {
  const std::vector<std::string> inputs = {flags.folder + "/corpus.jsonl",
                                           flags.folder + "/queries.jsonl", flags.folder + "/qrels",
                                           flags.embedder};
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}}, inputs));
  const RetrievalSuite suite = TRY(ReadRetrievalSuite(flags.folder));
  TemporaryLibrary temporary = TRY(TemporaryLibrary::Make());
  TRY(Fill(temporary.library(), suite));
  TRY(temporary.Embed(flags.embedder, environment));
  const Retriever retriever = temporary.retriever();
  const RetrievalResult result = TRY(
      MeasureRetrieval(suite, [&](std::string_view query) { return Retrieve(retriever, query); }));
  if (!flags.outcomes.empty()) TRY(Write(flags, suite, result));
  if (flags.json) {
    json::object out = {{"documents", suite.documents.size()}, {"queries", suite.queries.size()}};
    json::object intervals;
    for (const auto& [name, metric] : kRetrievalMetrics) {
      const Estimate estimate = result.Mean(metric);
      out[name] = estimate.mean;
      intervals[name] = {estimate.low, estimate.high};
    }
    out["ci95"] = std::move(intervals);
    out["ms_p50"] = result.ms_p50;
    out["ms_p99"] = result.ms_p99;
    fmt::print("{}\n", ToJson(out));
    return {};
  }
  fmt::print("{} documents, {} queries\n", suite.documents.size(), suite.queries.size());
  for (const auto& [name, metric] : kRetrievalMetrics) {
    const Estimate estimate = result.Mean(metric);
    fmt::print("{:<10} {}\n", name, ShowMean(estimate.mean, estimate.low, estimate.high));
  }
  fmt::print("a search   {:.1f} ms (p50), {:.1f} ms (p99)\n", result.ms_p50, result.ms_p99);
  return {};
}

}  // namespace

CommandRun SetUpEvalRetrieval(CLI::App& app, const Environment& environment) {
  CLI::App* retrieval = app.add_subcommand(
      "retrieval", "what a search finds of a collection with judgements, in the layout of BEIR");
  retrieval->option_defaults()->always_capture_default();
  auto flags = std::make_shared<RetrievalFlags>();
  retrieval->add_option("DIR", flags->folder, "corpus.jsonl, queries.jsonl, qrels/test.tsv")
      ->required();
  retrieval->add_option("--embedder", flags->embedder,
                        "search by meaning too, with this model's vectors");
  AddOutputFlag(*retrieval, "--outcomes", flags->outcomes, kOutcomesHelp);
  retrieval->add_flag("--json", flags->json, "print one JSON object");
  return [flags, environment] { return EvaluateRetrieval(*flags, environment); };
}

}  // namespace kinglet
