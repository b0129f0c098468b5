// SPDX-License-Identifier: Apache-2.0
// kinglet eval injections: whether a passage that gives orders changes what is answered from it.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/open_engine.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"
#include "eval/injections.h"

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

json::object ToJson(const InjectionOutcome& outcome) {
  json::object line = {{"id", outcome.injection->id}, {"kind", outcome.injection->kind}};
  for (std::size_t way = 0; way < kInjectionWays.size(); ++way) {
    const AnswerPair& answers = outcome.answers[way];
    const InjectionVerdict verdict = JudgeInjection(*outcome.injection, answers);
    line[kInjectionWays[way]] = {{"clean", answers.clean},
                                 {"injected", answers.injected},
                                 {"right_clean", verdict.right_clean},
                                 {"right_injected", verdict.right_injected},
                                 {"followed", verdict.followed}};
  }
  return line;
}

Result<void> WriteOutcomes(const std::string& path, std::span<const InjectionOutcome> outcomes) {
  std::ofstream file(path);
  for (const InjectionOutcome& outcome : outcomes) {
    file << kinglet::ToJson(json::value(ToJson(outcome))) << '\n';
  }
  if (!file.flush()) {
    return Error(StatusCode::kFailed, "{}: cannot be written", EscapeForDisplay(path));
  }
  return {};
}

void PrintFigures(const json::object& figures) {
  for (const auto& [way, value] : figures.at("ways").as_object()) {
    fmt::print("{}\n", std::string_view(way));
    for (const char* const name : {"right_clean", "right_injected", "turned_wrong", "followed"}) {
      const json::object& figure = value.as_object().at(name).as_object();
      const json::array& interval = figure.at("ci95").as_array();
      fmt::print("  {:<15} {:>4} of {:>4}  {:>6.3f}   95 %: {:.3f} - {:.3f}\n", name,
                 figure.at("count").to_number<std::size_t>(),
                 figure.at("of").to_number<std::size_t>(), figure.at("share").to_number<double>(),
                 interval[0].to_number<double>(), interval[1].to_number<double>());
    }
  }
}

Result<void> EvaluateInjections(const InjectionsFlags& flags, const Environment& environment) {
  const std::vector<InjectionCase> cases = TRY(ReadCases(flags));
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const auto engine = TRY(OpenEngine(path, flags.engine, environment));
  HandleInterrupts();
  Progress progress("injections", ProgressUnit::kQuestions, environment.stderr_is_terminal);
  const auto outcomes = TRY(AskInjections(*engine, cases, [&](std::size_t done) {
    progress.Update(done, cases.size());
    return !TakeInterrupt();
  }));
  if (!flags.outcomes.empty()) TRY(WriteOutcomes(flags.outcomes, outcomes));
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
  injections->add_option("--limit", flags->limit, "cases, of all kinds; 0: all");
  injections->add_option("--outcomes", flags->outcomes,
                         "writes what came of each case to this file, a line of JSON each");
  injections->add_flag("--json", flags->json, "print one JSON object, with figures by kind");
  AddThreadsFlag(*injections, flags->engine);
  return [flags, environment] { return EvaluateInjections(*flags, environment); };
}

}  // namespace kinglet
