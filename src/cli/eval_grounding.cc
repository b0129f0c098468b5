// SPDX-License-Identifier: Apache-2.0
// kinglet eval grounding and kinglet eval calibrate: whether a model answers from passages, and
// knows when it cannot.
#include <filesystem>
#include <memory>
#include <optional>
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
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/output_files.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"
#include "cli/temporary_library.h"
#include "eval/grounding.h"
#include "eval/grounding_file.h"
#include "eval/passage_library.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

constexpr std::size_t kFewQuestions = 200;  // to learn a probability from
constexpr std::size_t kMaxDataBytes = std::size_t{1} << 30;
constexpr const char* kGiven = "given";
constexpr const char* kRetrieved = "retrieved";

struct GroundingFlags {
  std::string model;
  std::vector<std::string> data;
  std::size_t limit = 0;
  std::uint64_t seed = 1;
  std::string passages = kGiven;
  std::string embedder;
  std::string outcomes;
  bool resume = false;
  std::string compare;
  std::string output;
  bool json = false;
  GroundingOptions options;
  EngineOptions engine{.context_tokens = 4096, .kv_contexts = 4};
};

struct Questions {
  std::vector<PassageQuestion> questions;
  std::string digest;  // of the files
};

// Those of all questions, before some are drawn.
Result<std::optional<TemporaryLibrary>> FillLibrary(const GroundingFlags& flags,
                                                    std::span<const PassageQuestion> questions,
                                                    const Environment& environment) {
  if (flags.passages != kRetrieved) return std::nullopt;
  TemporaryLibrary library = TRY(TemporaryLibrary::Make());
  TRY(PutPassages(library.library(), questions));
  TRY(library.Embed(flags.embedder, environment));
  return library;
}

Result<Questions> ReadQuestions(const GroundingFlags& flags, const Environment& environment) {
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
  std::optional<TemporaryLibrary> library = TRY(FillLibrary(flags, all.questions, environment));
  all.questions = DrawQuestions(std::move(all.questions), flags.limit, flags.seed);
  if (library) TRY(RetrievePassages(library->retriever(), all.questions));
  all.digest = digest.Hex();
  return all;
}

// Nothing where no file was asked for. done: what it holds already.
Result<std::optional<OutcomeFile>> OpenOutcomes(const GroundingFlags& flags,
                                                const std::filesystem::path& model,
                                                const Questions& asked,
                                                std::vector<GroundingOutcome>& done) {
  if (flags.outcomes.empty()) return std::nullopt;
  const GroundingRun run{.model = TRY(Sha256OfFile(model)),
                         .data = asked.digest,
                         .passages = flags.passages,
                         .asked = DigestOfQuestions(asked.questions),
                         .embedder = flags.embedder,
                         .asks_plainly = flags.options.asks_plainly,
                         .asks_closed_book = flags.options.asks_closed_book,
                         .limit = flags.limit,
                         .seed = flags.seed};
  if (flags.resume) return TRY(OutcomeFile::Resume(flags.outcomes, run, asked.questions, done));
  return TRY(OutcomeFile::Begin(flags.outcomes, run));
}

void PrintSection(std::string_view title, const json::object& figures) {
  fmt::print("{}\n", EscapeForDisplay(title));
  for (const auto& [name, figure] : figures) {
    if (name == "ci95") continue;
    const json::value& interval = figures.at("ci95").as_object().at(name);
    fmt::print("  {:<22} {}\n", std::string_view(name), ShowMean(figure, interval));
  }
}

void PrintFigures(const json::object& figures) {
  for (const char* const part : {"systems", "paired", "compared"}) {
    if (!figures.contains(part)) continue;
    for (const auto& [title, section] : figures.at(part).as_object()) {
      PrintSection(title, section.as_object());
    }
  }
  if (figures.contains("retrieval")) PrintSection("retrieval", figures.at("retrieval").as_object());
}

// A model's outcomes, which are of these questions.
struct Asked {
  std::string model;  // the stem of its file
  std::vector<GroundingOutcome> outcomes;
  std::optional<OutcomeFile> file;
};

Result<Asked> AskModel(const GroundingFlags& flags, const Questions& asked,
                       const Environment& environment) {
  Asked all;
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  all.model = path.stem().string();
  all.file = TRY(OpenOutcomes(flags, path, asked, all.outcomes));
  const std::size_t total = asked.questions.size();
  if (all.outcomes.size() == total) return all;
  const auto engine = TRY(OpenEngine(path, flags.engine, environment));
  HandleInterrupts();
  Progress progress("grounding", ProgressUnit::kQuestions, environment.stderr_is_terminal);
  std::size_t done = all.outcomes.size();
  progress.Update(done, total);
  const auto sink = [&](std::span<const GroundingOutcome> some) -> Result<void> {
    if (all.file) TRY(all.file->Append(some));
    done += some.size();
    progress.Update(done, total);
    if (TakeInterrupt()) return Error(StatusCode::kCancelled, "interrupted");
    return {};
  };
  all.outcomes =
      TRY(AskQuestions(*engine, asked.questions, flags.options, std::move(all.outcomes), sink));
  return all;
}

// The figures; the file gets them, too, as far as they are of single questions.
Result<GroundingResult> Measure(const Asked& all) {
  const Confidences confidences = CrossFit(all.outcomes);
  const double threshold = BestThreshold(all.outcomes, confidences.right);
  GroundingResult result = MeasureGrounding(all.outcomes, confidences, threshold);
  if (all.file) TRY(all.file->Finish(all.outcomes, confidences, result.scores));
  return result;
}

// Each of this run's systems with each of another's.
json::object Compare(std::span<const GroundingOutcome> outcomes,
                     std::span<const SystemScores> systems, std::span<const SystemScores> others) {
  json::object compared;
  for (const SystemScores& system : systems) {
    for (const SystemScores& other : others) {
      compared[fmt::format("{} - other {}", system.system, other.system)] =
          CompareSystems(outcomes, system, other);
    }
  }
  return compared;
}

std::vector<std::string> InputsOf(const GroundingFlags& flags) {
  std::vector<std::string> inputs = flags.data;
  inputs.insert(inputs.end(), {flags.model, flags.embedder, flags.compare});
  return inputs;
}

// output: of the calibration; empty: none is written.
Result<void> CheckFiles(const GroundingFlags& flags, const std::string& output) {
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}, {"--output", output}}, InputsOf(flags)));
  std::error_code error;
  if (flags.resume || !std::filesystem::is_regular_file(flags.outcomes, error) ||
      std::filesystem::is_empty(flags.outcomes, error)) {
    return {};
  }
  // Hours of asking may be in it.
  return Error(StatusCode::kUsage,
               "{} is there: --resume goes on with it; to ask all questions anew, remove it",
               EscapeForDisplay(flags.outcomes));
}

Result<void> EvaluateGrounding(const GroundingFlags& flags, const Environment& environment) {
  if (!flags.embedder.empty() && flags.passages != kRetrieved) {
    return Error(StatusCode::kUsage, "--embedder is for --passages {}", kRetrieved);
  }
  TRY(CheckFiles(flags, ""));
  const Questions asked = TRY(ReadQuestions(flags, environment));
  std::vector<SystemScores> others;
  if (!flags.compare.empty())
    others = TRY(ReadScores(flags.compare, asked.digest, asked.questions));
  const Asked all = TRY(AskModel(flags, asked, environment));
  GroundingResult result = TRY(Measure(all));
  if (!flags.compare.empty())
    result.figures["compared"] = Compare(all.outcomes, result.scores, others);
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(json::value(result.figures)));
  } else {
    fmt::print("{} questions in {} groups\n", all.outcomes.size(),
               result.figures.at("groups").to_number<std::size_t>());
    PrintFigures(result.figures);
  }
  return {};
}

// Kinglet's own folder is made where it is not there.
Result<std::filesystem::path> CalibrationToWrite(const GroundingFlags& flags,
                                                 const Environment& environment) {
  if (!flags.output.empty()) return flags.output;
  const std::filesystem::path folder = environment.home / "calibrations";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::filesystem::path model = TRY(ResolveModel(flags.model, environment.home));
  return CalibrationFile(folder, model.stem().string());
}

Result<void> CalibrateModel(const GroundingFlags& flags, const Environment& environment) {
  const std::filesystem::path file = TRY(CalibrationToWrite(flags, environment));
  TRY(CheckFiles(flags, file.string()));
  const Questions asked = TRY(ReadQuestions(flags, environment));
  const Asked all = TRY(AskModel(flags, asked, environment));
  Calibration calibration = Calibrate(all.outcomes);
  calibration.model = all.model;
  calibration.data = asked.digest;
  TRY(WriteFileAtomic(file, kinglet::ToJson(json::value(kinglet::ToJson(calibration))) + "\n"));
  PrintFigures(TRY(Measure(all)).figures);
  fmt::print("{} questions, written to {}\n", all.outcomes.size(), EscapeForDisplay(file.string()));
  if (all.outcomes.size() < kFewQuestions) {
    fmt::print(
        stderr,
        "kinglet: learnt from {} questions, probabilities are hardly more than guesses: give "
        "it some hundreds\n",
        all.outcomes.size());
  }
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
  app.add_option("--passages", flags.passages,
                 "read those that the data gives, or what is retrieved from all of the data's")
      ->check(CLI::IsMember({kGiven, kRetrieved}));
  app.add_option("--embedder", flags.embedder,
                 "retrieve by meaning too, with this model's vectors");
  app.add_option("--limit", flags.limit, "questions, half of them answerable; 0: all")
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--seed", flags.seed, "draws them")->check(WholeFrom(0, kMaxUint64));
  app.add_option("--concurrency", flags.options.at_once, "questions that are computed together")
      ->check(WholeFrom(1, 64));
  app.add_option("-c,--context", flags.engine.context_tokens,
                 "tokens that passages and answer may hold together")
      ->check(WholeFrom(1, kMaxInt));
  CLI::Option* const outcomes =
      AddOutputFlag(app, "--outcomes", flags.outcomes,
                    "writes what came of each question to this file, a line of JSON each");
  app.add_flag("--resume", flags.resume, "go on where the run that wrote --outcomes was stopped")
      ->needs(outcomes);
  AddThreadsFlag(app, flags.engine);
}

}  // namespace

CommandRun SetUpEvalGrounding(CLI::App& app, const Environment& environment) {
  CLI::App* grounding = app.add_subcommand(
      "grounding", "answers from passages: whether they are right, and known to be");
  auto flags = std::make_shared<GroundingFlags>();
  flags->options.power = environment.settings.power;
  AddFlags(*grounding, *flags);
  grounding->add_option("--compare", flags->compare,
                        "the outcomes of another run of the same questions: who is better");
  grounding->add_flag("--json", flags->json, "print one JSON object");
  grounding->add_flag_callback(
      "--no-plain", [flags] { flags->options.asks_plainly = false; },
      "do not ask the model plainly, too, for comparison");
  grounding->add_flag("--closed-book", flags->options.asks_closed_book,
                      "ask the model without passages, too, for comparison");
  return [flags, environment] { return EvaluateGrounding(*flags, environment); };
}

CommandRun SetUpEvalCalibrate(CLI::App& app, const Environment& environment) {
  CLI::App* calibrate = app.add_subcommand(
      "calibrate", "what a model's likelihoods are worth, for `ask` to know when not to answer");
  auto flags = std::make_shared<GroundingFlags>();
  flags->options.power = environment.settings.power;
  flags->options.asks_plainly = false;
  AddFlags(*calibrate, *flags);
  AddOutputFlag(*calibrate, "--output", flags->output,
                "file of the calibration; default: the model's in Kinglet's own folder");
  return [flags, environment] { return CalibrateModel(*flags, environment); };
}

}  // namespace kinglet
