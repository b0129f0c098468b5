// SPDX-License-Identifier: Apache-2.0
// kinglet eval intents: learns intents from one file, and is tested with another.
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/intent_report.h"
#include "cli/number_range.h"
#include "cli/open_vectors.h"
#include "cli/output_files.h"
#include "eval/outcome_lines.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30U;

struct Flags {
  std::string train, test, embedder, outcomes;
  int examples = 0;
  std::uint64_t seed = 1;
  int threads = 0;
  bool json = false;
};

Result<std::vector<IntentLine>> ReadLines(const std::string& file) {
  const auto lines = ParseIntentLines(TRY(ReadFile(file, kMaxFileBytes)));
  if (!lines) return std::unexpected(lines.error().WithContext(file));
  return *lines;
}

// Of the lines' texts and intents: other lines are another test.
std::string DigestOf(std::span<const IntentLine> lines) {
  Sha256 digest;
  for (const IntentLine& line : lines) {
    digest.Update(
        ToJson(json::array{line.text, line.intent ? json::value(*line.intent) : nullptr}));
  }
  return digest.Hex();
}

Result<void> Write(const Flags& flags, std::span<const IntentLine> learnt,
                   std::span<const IntentLine> test, const IntentReport& report) {
  const json::object run = {{"task", "intents"},
                            {"model", DigestOf(learnt)},
                            {"embedder", flags.embedder},
                            {"data", DigestOf(test)}};
  std::vector<OutcomeLine> lines;
  for (std::size_t i = 0; i < test.size(); ++i) {
    OutcomeLine& line = lines.emplace_back(OutcomeLine{.id = std::to_string(i + 1)});
    line.shown["text"] = test[i].text;
    line.scores["right"] = report.judged[i].routed_right() ? 1 : 0;
  }
  return WriteOutcomes(flags.outcomes, run, lines);
}

Result<void> Evaluate(const Flags& flags, const Environment& environment) {
  const std::vector<std::string> inputs = {flags.train, flags.test, flags.embedder};
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}}, inputs));
  std::vector<IntentLine> lines = TRY(ReadLines(flags.train));
  std::vector<IntentLine> test;
  if (!flags.test.empty()) {
    test = TRY(ReadLines(flags.test));
  } else {
    HeldOut split = HoldOutAFifth(std::move(lines), flags.seed);
    lines = std::move(split.rest);
    test = std::move(split.held);
  }
  if (flags.examples > 0) lines = DrawExamples(std::move(lines), flags.examples, flags.seed);
  const int threads = flags.threads > 0 ? flags.threads : AvailableCpus();
  std::unique_ptr<Embedder> embedder;
  if (!flags.embedder.empty()) {
    embedder = TRY(OpenEmbedder(flags.embedder, environment, threads));
  }
  TrainingSet set = TrainingSetOf(lines);
  set.seed = flags.seed;
  ThreadPool pool(threads);
  const double start_ms = MonotonicMs();
  const Classifier classifier = TRY(Classifier::Train(set, embedder.get(), pool));
  const double train_s = (MonotonicMs() - start_ms) / 1000;
  const IntentReport report = TRY(MeasureIntents(test, classifier, embedder.get()));
  if (!flags.outcomes.empty()) TRY(Write(flags, lines, test, report));
  if (flags.json) {
    json::object out = ToJson(report);
    out["train_s"] = train_s;
    out["intents"] = set.labels.size();
    out["examples"] = set.texts.size();
    fmt::print("{}\n", ToJson(json::value(out)));
    return {};
  }
  fmt::print("{} intents learnt from {} examples in {:.1f} s\n", set.labels.size(),
             set.texts.size(), train_s);
  PrintReport(report);
  return {};
}

}  // namespace

CommandRun SetUpEvalIntents(CLI::App& app, const Environment& environment) {
  CLI::App* intents = app.add_subcommand(
      "intents", "whether a router learns intents from examples, and what is none of them");
  intents->option_defaults()->always_capture_default();
  auto flags = std::make_shared<Flags>();
  intents
      ->add_option("--train", flags->train,
                   "lines of {\"text\", \"intent\"} to learn from; null: out of scope")
      ->required();
  intents->add_option("--test", flags->test,
                      "the same, to be tested with; without: a fifth of each intent's lines, drawn "
                      "by the seed, that is not learnt from");
  intents->add_option("--embedder", flags->embedder,
                      "look at meaning too, by this model's vectors");
  intents
      ->add_option("--examples", flags->examples,
                   "learn from so many of each intent, drawn by the seed; 0: from all")
      ->check(WholeFrom(0, 1'000'000));
  intents->add_option("--seed", flags->seed, "of all that is drawn")
      ->check(WholeFrom(0, kMaxUint64));
  intents->add_option("-t,--threads", flags->threads, "threads; 0: one for each CPU")
      ->check(WholeFrom(0, 1024));
  AddOutputFlag(*intents, "--outcomes", flags->outcomes, kOutcomesHelp);
  intents->add_flag("--json", flags->json, "print one JSON object");
  return [flags, environment] { return Evaluate(*flags, environment); };
}

}  // namespace kinglet
