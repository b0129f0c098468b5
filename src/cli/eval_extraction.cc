// SPDX-License-Identifier: Apache-2.0
// kinglet eval extraction DIR: what is kept of web pages, against their articles.
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/output_files.h"
#include "eval/extraction.h"
#include "eval/outcome_lines.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

Result<std::string> Extract(std::string_view html) {
  const Format* const format = FindFormatOf("text/html");
  return TRY(ExtractDocument("page.html", html, *format)).text;
}

struct ExtractionFlags {
  std::string folder;
  std::string outcomes;
  bool json = false;
};

Result<void> Write(const std::string& file, const ExtractionResult& result) {
  std::vector<OutcomeLine> lines;
  for (const ExtractionResult::Page& page : result.pages) {
    lines.push_back({.id = page.name, .scores = {{"f1", page.f1}}});
  }
  return WriteOutcomes(file, {{"task", "extraction"}, {"data", result.digest}}, lines);
}

Result<void> EvaluateExtraction(const ExtractionFlags& flags) {
  const std::vector<std::string> inputs = {flags.folder + "/ground-truth.json",
                                           flags.folder + "/html"};
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}}, inputs));
  const ExtractionResult result = TRY(MeasureExtraction(flags.folder, Extract));
  if (!flags.outcomes.empty()) TRY(Write(flags.outcomes, result));
  if (flags.json) {
    fmt::print("{}\n", ToJson(json::object{{"pages", result.pages.size()},
                                           {"precision", result.precision},
                                           {"recall", result.recall},
                                           {"f1", result.f1}}));
  } else {
    fmt::print("{} pages: F1 {:.3f}, precision {:.3f}, recall {:.3f}\n", result.pages.size(),
               result.f1, result.precision, result.recall);
  }
  return {};
}

}  // namespace

CommandRun SetUpEvalExtraction(CLI::App& app) {
  CLI::App* extraction =
      app.add_subcommand("extraction", "what is kept of web pages, against their articles");
  extraction->option_defaults()->always_capture_default();
  auto flags = std::make_shared<ExtractionFlags>();
  extraction->add_option("DIR", flags->folder, "ground-truth.json and html/PAGE.html.gz")
      ->required();
  AddOutputFlag(*extraction, "--outcomes", flags->outcomes, kOutcomesHelp);
  extraction->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return EvaluateExtraction(*flags); };
}

}  // namespace kinglet
