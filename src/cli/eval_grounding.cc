// SPDX-License-Identifier: Apache-2.0
// kinglet eval grounding and kinglet eval calibrate: whether a model answers from passages, and
// knows when it cannot.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "answer/calibrations.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/open_engine.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"
#include "eval/grounding.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxDataBytes = std::size_t{1} << 30;

struct GroundingFlags {
  std::string model;
  std::vector<std::string> data;
  std::size_t limit = 0;
  std::uint64_t seed = 1;
  std::string outcomes;
  std::string output;
  bool json = false;
  GroundingOptions options;
  EngineOptions engine{.context_tokens = 4096, .kv_contexts = 4};
};

struct Questions {
  std::vector<PassageQuestion> questions;
  std::string digest;  // of the files
};

Result<Questions> ReadQuestions(const GroundingFlags& flags) {
  Questions all;
  Sha256 digest;
  for (const std::string& path : flags.data) {
    const std::string text = TRY(ReadFile(path, kMaxDataBytes));
    digest.Update(text);
    auto some = ParseQuestionSet(text);
    if (!some) return std::unexpected(some.error().WithContext(EscapeForDisplay(path)));
    std::ranges::move(*some, std::back_inserter(all.questions));
  }
  if (all.questions.empty()) return Error(StatusCode::kInvalidInput, "no question in the data");
  all.questions = DrawQuestions(std::move(all.questions), flags.limit, flags.seed);
  all.digest = digest.Hex();
  return all;
}

json::object ToJson(const GroundingOutcome& outcome, double answerable, double right) {
  const ReadingSignals& signals = outcome.reading.signals;
  return {{"id", outcome.question->id},
          {"group", outcome.question->group},
          {"answerable", outcome.is_answerable()},
          {"span", outcome.reading.text},
          {"quote", outcome.quote},
          {"exact", outcome.score.exact},
          {"f1", outcome.score.f1},
          {"plain", outcome.plain},
          {"plain_f1", outcome.plain_score.f1},
          {"best_sentence", outcome.best_sentence},
          {"signals",
           {{"gate", signals.gate},
            {"null", signals.null},
            {"start", signals.start},
            {"span", signals.span},
            {"tokens", signals.tokens},
            {"coverage", outcome.coverage}}},
          {"p_answerable", answerable},
          {"p_right", right}};
}

Result<void> WriteOutcomes(const std::string& path, std::span<const GroundingOutcome> outcomes,
                           const Confidences& confidences) {
  std::ofstream file(path);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    file << kinglet::ToJson(
                json::value(ToJson(outcomes[i], confidences.answerable[i], confidences.right[i])))
         << '\n';
  }
  if (!file.flush()) {
    return Error(StatusCode::kFailed, "{}: cannot be written", EscapeForDisplay(path));
  }
  return {};
}

void PrintFigures(const json::object& figures) {
  for (const auto& [system, value] : figures.at("systems").as_object()) {
    fmt::print("{}\n", system);
    const json::object& of_system = value.as_object();
    for (const auto& [name, figure] : of_system) {
      if (name == "ci95") continue;
      const json::array& interval = of_system.at("ci95").as_object().at(name).as_array();
      fmt::print("  {:<22} {:>6.3f}   95 %: {:.3f} - {:.3f}\n", name, figure.to_number<double>(),
                 interval[0].to_number<double>(), interval[1].to_number<double>());
    }
  }
}

// A model's outcomes, which are of these questions.
struct Asked {
  Questions asked;
  std::string model;  // the stem of its file
  std::vector<GroundingOutcome> outcomes;
};

Result<Asked> AskModel(const GroundingFlags& flags, const Environment& environment) {
  Asked all{.asked = TRY(ReadQuestions(flags))};
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  all.model = path.stem().string();
  const auto engine = TRY(OpenEngine(path, flags.engine, environment));
  HandleInterrupts();
  Progress progress("grounding", ProgressUnit::kQuestions, environment.stderr_is_terminal);
  all.outcomes =
      TRY(AskQuestions(*engine, all.asked.questions, flags.options, [&](std::size_t done) {
        progress.Update(done, all.asked.questions.size());
        return !TakeInterrupt();
      }));
  return all;
}

Result<void> EvaluateGrounding(const GroundingFlags& flags, const Environment& environment) {
  const Asked all = TRY(AskModel(flags, environment));
  const std::vector<GroundingOutcome>& outcomes = all.outcomes;
  const Confidences confidences = CrossFit(outcomes);
  const double threshold = BestThreshold(outcomes, confidences.right);
  if (!flags.outcomes.empty()) TRY(WriteOutcomes(flags.outcomes, outcomes, confidences));
  const json::object figures =
      GroundingFigures(outcomes, confidences, threshold, flags.options.asks_plainly);
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(json::value(figures)));
  } else {
    fmt::print("{} questions\n", outcomes.size());
    PrintFigures(figures);
  }
  return {};
}

Result<void> CalibrateModel(const GroundingFlags& flags, const Environment& environment) {
  const Asked all = TRY(AskModel(flags, environment));
  const std::vector<GroundingOutcome>& outcomes = all.outcomes;
  Calibration calibration = Calibrate(outcomes);
  calibration.model = all.model;
  calibration.data = all.asked.digest;
  const std::filesystem::path file =
      flags.output.empty() ? CalibrationFile(environment.home / "calibrations", calibration.model)
                           : std::filesystem::path(flags.output);
  std::error_code error;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), error);
  TRY(WriteFileAtomic(file, kinglet::ToJson(json::value(kinglet::ToJson(calibration))) + "\n"));
  const Confidences confidences = CrossFit(outcomes);
  PrintFigures(
      GroundingFigures(outcomes, confidences, BestThreshold(outcomes, confidences.right), false));
  fmt::print("{} questions, written to {}\n", outcomes.size(), EscapeForDisplay(file.string()));
  return {};
}

void AddFlags(CLI::App& app, GroundingFlags& flags) {
  app.option_defaults()->always_capture_default();
  app.add_option("MODEL", flags.model, "path, catalog name or hf:user/repo:quant")->required();
  app.add_option(
         "--data", flags.data,
         "SQuAD 2.0's JSON, CLAPNQ's lines, or lines of {\"id\", \"question\", \"passages\", "
         "\"answers\"}; several times")
      ->required();
  app.add_option("--limit", flags.limit, "questions, half of them answerable; 0: all");
  app.add_option("--seed", flags.seed, "draws them");
  app.add_option("--at-once", flags.options.at_once, "questions that are computed together")
      ->check(CLI::Range(1, 64));
  AddThreadsFlag(app, flags.engine);
}

}  // namespace

CommandRun SetUpEvalGrounding(CLI::App& app, const Environment& environment) {
  CLI::App* grounding = app.add_subcommand(
      "grounding", "answers from given passages: whether they are right, and known to be");
  auto flags = std::make_shared<GroundingFlags>();
  AddFlags(*grounding, *flags);
  grounding->add_option("--outcomes", flags->outcomes,
                        "writes what came of each question to this file, a line of JSON each");
  grounding->add_flag("--json", flags->json, "print one JSON object");
  grounding->add_flag("!--no-plain", flags->options.asks_plainly,
                      "do not ask the model plainly, too, for comparison");
  return [flags, environment] { return EvaluateGrounding(*flags, environment); };
}

CommandRun SetUpEvalCalibrate(CLI::App& app, const Environment& environment) {
  CLI::App* calibrate = app.add_subcommand(
      "calibrate", "what a model's likelihoods are worth, for `ask` to know when not to answer");
  auto flags = std::make_shared<GroundingFlags>();
  flags->options.asks_plainly = false;
  AddFlags(*calibrate, *flags);
  calibrate->add_option("--output", flags->output,
                        "file of the calibration; default: the model's in Kinglet's own folder");
  return [flags, environment] { return CalibrateModel(*flags, environment); };
}

}  // namespace kinglet
