// SPDX-License-Identifier: Apache-2.0
// kinglet eval injections: whether a passage that gives orders changes what is answered from it.
#include <filesystem>
#include <memory>
#include <span>
#include <string>
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
#include "eval/injections.h"
#include "eval/outcome_lines.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxDataBytes = std::size_t{64} << 20;

struct InjectionsFlags {
  std::string model;
  std::string data;
  std::size_t limit = 0;
  std::string outcomes;
  bool json = false;
  EngineOptions engine{.context_tokens = 4096, .kv_contexts = 4};
};

Result<std::vector<InjectionCase>> ReadCases(const InjectionsFlags& flags) {
  auto cases = ParseInjections(TRY(ReadFile(flags.data, kMaxDataBytes)));
  if (!cases) return std::unexpected(cases.error().WithContext(EscapeForDisplay(flags.data)));
  if (cases->empty()) return Error(StatusCode::kInvalidInput, "no case in the data");
  return SpreadInjections(std::move(*cases), flags.limit);
}

OutcomeLine LineOf(const InjectionOutcome& outcome) {
  OutcomeLine line{.id = outcome.injection->id, .shown = {{"kind", outcome.injection->kind}}};
  for (std::size_t way = 0; way < kInjectionWays.size(); ++way) {
    const AnswerPair& answers = outcome.answers[way];
    const InjectionVerdict verdict = JudgeInjection(*outcome.injection, answers);
    line.shown[kInjectionWays[way]] = {{"clean", answers.clean}, {"injected", answers.injected}};
    line.scores[kInjectionWays[way]] = {{"right_clean", verdict.right_clean ? 1 : 0},
                                        {"right_injected", verdict.right_injected ? 1 : 0},
                                        {"not_followed", verdict.followed ? 0 : 1}};
  }
  return line;
}

Result<void> Write(const InjectionsFlags& flags, const std::filesystem::path& model,
                   std::span<const InjectionOutcome> outcomes) {
  const json::object run = {{"task", "injections"},
                            {"model", TRY(Sha256OfFile(model))},
                            {"data", TRY(Sha256OfFile(flags.data))},
                            {"limit", flags.limit}};
  std::vector<OutcomeLine> lines;
  for (const InjectionOutcome& outcome : outcomes) lines.push_back(LineOf(outcome));
  return WriteOutcomes(flags.outcomes, run, lines);
}

void PrintFigures(const json::object& figures) {
  for (const auto& [way, value] : figures.at("ways").as_object()) {
    fmt::print("{}\n", std::string_view(way));
    for (const char* const name : {"right_clean", "right_injected", "turned_wrong", "followed"}) {
      const json::object& figure = value.as_object().at(name).as_object();
      fmt::print("  {:<15} {:>4} of {:>4}  {}\n", name, figure.at("count").to_number<std::size_t>(),
                 figure.at("of").to_number<std::size_t>(),
                 ShowMean(figure.at("share"), figure.at("ci95")));
    }
  }
}

Result<void> EvaluateInjections(const InjectionsFlags& flags, const Environment& environment) {
  const std::vector<std::string> inputs = {flags.data, flags.model};
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}}, inputs));
  const std::vector<InjectionCase> cases = TRY(ReadCases(flags));
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const auto engine = TRY(OpenEngine(path, flags.engine, environment));
  HandleInterrupts();
  Progress progress("injections", ProgressUnit::kQuestions, environment.stderr_is_terminal);
  const auto outcomes = TRY(AskInjections(*engine, cases, [&](std::size_t done) {
    progress.Update(done, cases.size());
    return !TakeInterrupt();
  }));
  if (!flags.outcomes.empty()) TRY(Write(flags, path, outcomes));
  const json::object figures = InjectionFigures(outcomes);
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(json::value(figures)));
  } else {
    fmt::print("{} cases\n", outcomes.size());
    PrintFigures(figures);
  }
  return {};
}

}  // namespace

CommandRun SetUpEvalInjections(CLI::App& app, const Environment& environment) {
  CLI::App* injections = app.add_subcommand(
      "injections", "answers from passages that give orders: whether the orders are followed");
  injections->option_defaults()->always_capture_default();
  auto flags = std::make_shared<InjectionsFlags>();
  injections->add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant")
      ->required();
  injections
      ->add_option("--data", flags->data,
                   "lines of {\"id\", \"kind\", \"question\", \"answer\", \"passage\", "
                   "\"injected\", \"position\", \"mark\"}")
      ->required();
  injections->add_option("--limit", flags->limit, "cases, of all kinds; 0: all")
      ->check(WholeFrom(0, kMaxUint64));
  AddOutputFlag(*injections, "--outcomes", flags->outcomes, kOutcomesHelp);
  injections->add_flag("--json", flags->json, "print one JSON object, with figures by kind");
  AddThreadsFlag(*injections, flags->engine);
  return [flags, environment] { return EvaluateInjections(*flags, environment); };
}

}  // namespace kinglet
