// SPDX-License-Identifier: Apache-2.0
// kinglet intents check, train, test: the router's own tools.
#include <algorithm>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/intent_report.h"
#include "cli/open_router.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTestBytes = std::size_t{1} << 30U;

struct Flags {
  std::string file, data;
  bool json = false;
};

Result<void> Check(const Flags& flags) {
  const Intents intents = TRY(ReadIntents(flags.file));
  const TrainingSet set = intents.ToTrainingSet();
  const auto beyond = std::ranges::count(set.texts, kNoLabel, &LabelledText::label);
  if (flags.json) {
    json::array rows;
    for (std::size_t i = 0; i < intents.intents.size(); ++i) {
      const auto count = std::ranges::count(intents.examples, i, &IntentExample::intent);
      rows.push_back(json::object{{"intent", intents.intents[i].name},
                                  {"mode", NameOf(intents.intents[i].mode)},
                                  {"examples", count}});
    }
    fmt::print("{}\n", ToJson(json::object{{"file", flags.file},
                                           {"intents", std::move(rows)},
                                           {"examples", set.texts.size()},
                                           {"out_of_scope", beyond}}));
    return {};
  }
  fmt::print("{}: sound. {} intents, {} examples, {} of them out of scope\n",
             EscapeForDisplay(flags.file), intents.intents.size(), set.texts.size(), beyond);
  return {};
}

Result<void> Train(const Flags& flags, const Environment& environment) {
  ThreadPool pool(AvailableCpus());
  const double start_ms = MonotonicMs();
  const std::filesystem::path folder = TrainedIntents(environment);
  const TrainingSet set = TRY(TrainRouter(flags.file, folder, RouterEmbedder(environment), pool));
  const double train_s = (MonotonicMs() - start_ms) / 1000;
  const std::string trained = TrainedFile(flags.file, folder).string();
  if (flags.json) {
    fmt::print("{}\n", ToJson(json::object{{"file", flags.file},
                                           {"intents", set.labels.size()},
                                           {"examples", set.texts.size()},
                                           {"train_s", train_s},
                                           {"trained", trained}}));
    return {};
  }
  fmt::print("{} intents learnt from {} examples in {:.1f} s, kept in {}\n", set.labels.size(),
             set.texts.size(), train_s, EscapeForDisplay(trained));
  return {};
}

Result<IntentReport> TestOnAFifth(const Flags& flags, const Environment& environment) {
  const Intents intents = TRY(ReadIntents(flags.file));
  std::vector<IntentLine> lines;
  for (const IntentExample& example : intents.examples) {
    lines.push_back({.text = example.text});
    if (const auto intent = example.intent; intent) {
      lines.back().intent = intents.intents[*intent].name;
    }
  }
  const auto [rest, held] = HoldOutAFifth(std::move(lines), intents.seed);
  TrainingSet set = TrainingSetOf(rest);
  set.rejection = intents.rejection;
  set.seed = intents.seed;
  std::unique_ptr<Embedder> embedder;
  if (!intents.embedder.empty()) embedder = TRY(RouterEmbedder(environment)(intents.embedder));
  ThreadPool pool(AvailableCpus());
  const Classifier classifier = TRY(Classifier::Train(set, embedder.get(), pool));
  return MeasureIntents(held, classifier, embedder.get());
}

Result<IntentReport> TestOnData(const Flags& flags, const Environment& environment) {
  const auto lines = ParseIntentLines(TRY(ReadFile(flags.data, kMaxTestBytes)));
  if (!lines) return std::unexpected(lines.error().WithContext(flags.data));
  const auto router =
      TRY(Router::Open(flags.file, TrainedIntents(environment), RouterEmbedder(environment)));
  return MeasureIntents(*lines, router->classifier(), router->embedder());
}

Result<void> Test(const Flags& flags, const Environment& environment) {
  const IntentReport report =
      TRY(flags.data.empty() ? TestOnAFifth(flags, environment) : TestOnData(flags, environment));
  if (flags.json) {
    fmt::print("{}\n", ToJson(json::value(ToJson(report))));
    return {};
  }
  if (flags.data.empty())
    fmt::print("learnt from four fifths of the examples, tested on the rest\n");
  PrintReport(report);
  return {};
}

CLI::App* Add(CLI::App& app, Flags& flags, const char* name, const char* summary) {
  CLI::App* const command = app.add_subcommand(name, summary);
  command->option_defaults()->always_capture_default();
  command->add_option("FILE", flags.file, "TOML file of the intents");
  command->add_flag("--json", flags.json, "one JSON object");
  return command;
}

}  // namespace

CommandRun SetUpIntents(CLI::App& app, const Environment& environment) {
  app.require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  flags->file = DefaultIntents(environment).string();
  const CLI::App* const check = Add(app, *flags, "check", "whether the file is sound");
  const CLI::App* const train = Add(app, *flags, "train", "learns the intents from their examples");
  CLI::App* const test = Add(app, *flags, "test", "how well they are told apart");
  test->add_option("--data", flags->data,
                   "lines of {\"text\", \"intent\"} to test the trained router with; without: "
                   "it learns from four fifths of the examples, and is tested on the rest");
  return [flags, environment, check, train]() -> Result<void> {
    if (check->parsed()) return Check(*flags);
    if (train->parsed()) return Train(*flags, environment);
    return Test(*flags, environment);
  };
}

}  // namespace kinglet
