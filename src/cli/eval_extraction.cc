// SPDX-License-Identifier: Apache-2.0
// kinglet eval extraction DIR: what is kept of web pages, against their articles.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/json.h"
#include "cli/commands.h"
#include "eval/extraction.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

Result<std::string> Extract(std::string_view html) {
  const Format* const format = FindFormatOf("text/html");
  return TRY(ExtractDocument("page.html", html, *format)).text;
}

Result<void> EvaluateExtraction(const std::string& folder, bool as_json) {
  const ExtractionResult result = TRY(MeasureExtraction(folder, Extract));
  if (as_json) {
    fmt::print("{}\n", ToJson(json::object{{"pages", result.pages},
                                           {"precision", result.precision},
                                           {"recall", result.recall},
                                           {"f1", result.f1}}));
  } else {
    fmt::print("{} pages: F1 {:.3f}, precision {:.3f}, recall {:.3f}\n", result.pages, result.f1,
               result.precision, result.recall);
  }
  return {};
}

}  // namespace

CommandRun SetUpEvalExtraction(CLI::App& app) {
  struct Flags {
    std::string folder;
    bool json = false;
  };
  CLI::App* extraction =
      app.add_subcommand("extraction", "what is kept of web pages, against their articles");
  extraction->option_defaults()->always_capture_default();
  auto flags = std::make_shared<Flags>();
  extraction->add_option("DIR", flags->folder, "ground-truth.json and html/PAGE.html.gz")
      ->required();
  extraction->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return EvaluateExtraction(flags->folder, flags->json); };
}

}  // namespace kinglet
