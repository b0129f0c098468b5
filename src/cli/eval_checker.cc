// SPDX-License-Identifier: Apache-2.0
// kinglet eval checker: whether claims that a passage supports are told from others.
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/output_files.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"
#include "eval/checker_figures.h"
#include "eval/outcome_lines.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxDataBytes = std::size_t{1} << 30;

struct CheckerFlags {
  std::vector<std::string> data;
  std::string model;  // empty: none
  std::size_t limit = 0;
  std::uint64_t seed = 1;
  std::string outcomes;
  bool json = false;
  EngineOptions engine{.context_tokens = 4096, .kv_contexts = 4};
};

Result<std::vector<ClaimRow>> ReadRows(const CheckerFlags& flags) {
  std::vector<ClaimRow> rows;
  for (const std::string& path : flags.data) {
    auto some = ParseClaimSet(TRY(ReadFile(path, kMaxDataBytes)));
    if (!some) return std::unexpected(some.error().WithContext(EscapeForDisplay(path)));
    std::ranges::move(*some, std::back_inserter(rows));
  }
  if (rows.empty()) return Error(StatusCode::kInvalidInput, "no claim in the data");
  return DrawRows(std::move(rows), flags.limit, flags.seed);
}

Result<void> AskModel(const CheckerFlags& flags, const Environment& environment,
                      std::span<ScoredRow> rows) {
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const auto engine = TRY(OpenEngine(path, flags.engine, environment));
  HandleInterrupts();
  Progress progress("checker", ProgressUnit::kQuestions, environment.stderr_is_terminal);
  return AskOdds(*engine, rows, [&](std::size_t done) {
    progress.Update(done, rows.size());
    return !TakeInterrupt();
  });
}

// Whether the checker's rule keeps what people found supported, and nothing else.
Result<void> Write(const CheckerFlags& flags, std::span<const ScoredRow> rows) {
  Sha256 digest;
  for (const std::string& path : flags.data) digest.Update(TRY(Sha256OfFile(path)));
  const json::object run = {{"task", "checker"},
                            {"model", flags.model},
                            {"data", digest.Hex()},
                            {"limit", flags.limit},
                            {"seed", flags.seed}};
  std::vector<OutcomeLine> lines;
  std::map<std::string_view, std::size_t> passages;  // and their numbers
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t group =
        passages.try_emplace(rows[i].row->passage, passages.size() + 1).first->second;
    for (std::size_t k = 0; k < rows[i].claims.size(); ++k) {
      const ClaimScores& scores = rows[i].claims[k];
      const auto& claim = rows[i].row->claims[k];
      lines.push_back({.id = fmt::format("{}.{}", i + 1, k + 1),
                       .group = std::to_string(group),
                       .scores = {{"right", scores.is_kept == claim.is_supported ? 1 : 0}},
                       .shown = {{"set", rows[i].row->set},
                                 {"claim", claim.text},
                                 {"supported", claim.is_supported},
                                 {"containment", scores.containment},
                                 {"support", scores.support},
                                 {"odds", scores.odds},
                                 {"kept", scores.is_kept}}});
    }
  }
  return WriteOutcomes(flags.outcomes, run, lines);
}

void PrintSet(std::string_view name, const json::object& set) {
  fmt::print("{}: {} claims, {} of them supported, about {} passages\n", name,
             set.at("claims").to_number<int>(), set.at("supported").to_number<int>(),
             set.at("passages").to_number<int>());
  for (const auto& [system, value] : set.at("systems").as_object()) {
    const json::object& figures = value.as_object();
    for (const auto& [figure, number] : figures) {
      if (figure == "ci95") continue;
      const json::value& interval = figures.at("ci95").as_object().at(figure);
      fmt::print("  {:<12} {:<20} {}\n", std::string_view(system), std::string_view(figure),
                 ShowMean(number, interval));
    }
  }
}

Result<void> EvaluateChecker(const CheckerFlags& flags, const Environment& environment) {
  std::vector<std::string> inputs = flags.data;
  inputs.push_back(flags.model);
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}}, inputs));
  const std::vector<ClaimRow> rows = TRY(ReadRows(flags));
  std::vector<ScoredRow> scored = ScoreByWords(rows);
  if (!flags.model.empty()) TRY(AskModel(flags, environment, scored));
  if (!flags.outcomes.empty()) TRY(Write(flags, scored));
  const json::object figures = CheckerFigures(scored, !flags.model.empty());
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(json::value(figures)));
    return {};
  }
  for (const auto& [name, set] : figures.at("sets").as_object()) PrintSet(name, set.as_object());
  return {};
}

}  // namespace

CommandRun SetUpEvalChecker(CLI::App& app, const Environment& environment) {
  CLI::App* checker =
      app.add_subcommand("checker", "claims that a passage supports, told from others");
  checker->option_defaults()->always_capture_default();
  auto flags = std::make_shared<CheckerFlags>();
  checker
      ->add_option("--data", flags->data,
                   "HaluEval's lines of questions and answers, or BEGIN's table; several times")
      ->required();
  checker->add_option("--model", flags->model,
                      "its odds, too: path, catalog name or hf:user/repo:quant; default: none");
  checker->add_option("--limit", flags->limit, "rows of each set; 0: all")
      ->check(WholeFrom(0, kMaxUint64));
  checker->add_option("--seed", flags->seed, "draws them")->check(WholeFrom(0, kMaxUint64));
  AddOutputFlag(*checker, "--outcomes", flags->outcomes, kOutcomesHelp);
  checker->add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(*checker, flags->engine);
  return [flags, environment] { return EvaluateChecker(*flags, environment); };
}

}  // namespace kinglet
