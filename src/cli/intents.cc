// SPDX-License-Identifier: Apache-2.0
// kinglet intents check, train, test, corrections: the router's own tools.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/intent_report.h"
#include "cli/open_engine.h"
#include "cli/open_router.h"
#include "ledger/ledger.h"
#include "router/corrections.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTestBytes = std::size_t{1} << 30U;

struct Flags {
  std::string file, data;
  bool json = false;
  bool ledger = false;
};

// What the file names and the command line does not find; a server may have such a library.
std::vector<std::string> NotesOn(const Intents& intents, const Flags& flags,
                                 const Environment& environment) {
  std::vector<std::string> notes;
  if (!intents.embedder.empty()) {
    const auto found = FindModelFile(intents.embedder, environment);
    if (!found) notes.push_back("the embedder: " + found.error().message());
  }
  const std::filesystem::path folder = std::filesystem::path(flags.file).parent_path();
  for (const Intent& intent : intents.intents) {
    std::error_code error;
    if (std::filesystem::is_directory(folder / intent.library, error) || intent.library.empty()) {
      continue;
    }
    notes.push_back(fmt::format("the intent {}: no folder {} beside the file, for `kinglet ask`",
                                Quoted(intent.name), Quoted(intent.library)));
  }
  return notes;
}

Result<void> Check(const Flags& flags, const Environment& environment) {
  const Intents intents = TRY(ReadIntents(flags.file));
  const TrainingSet set = intents.ToTrainingSet();
  const auto beyond = std::ranges::count(set.texts, kNoLabel, &LabelledText::label);
  const std::vector<std::string> notes = NotesOn(intents, flags, environment);
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
                                           {"out_of_scope", beyond},
                                           {"notes", json::array(notes.begin(), notes.end())}}));
    return {};
  }
  fmt::print("{}: sound. {} intents, {} examples, {} of them out of scope\n",
             EscapeForDisplay(flags.file), intents.intents.size(), set.texts.size(), beyond);
  for (const std::string& note : notes) fmt::print("note: {}\n", note);
  return {};
}

// What users have corrected, held against the examples.
struct LedgersCorrections {
  Corrections sorted;
  std::int64_t without_text = 0;
};

Result<LedgersCorrections> CorrectionsOf(const Flags& flags, const Environment& environment) {
  const Intents intents = TRY(ReadIntents(flags.file));
  Ledger ledger = TRY(Ledger::Open(environment.BooksKept().ledger));
  const LedgerCorrections corrected = TRY(ledger.Corrections());
  std::vector<IntentLine> lines;
  for (const auto& [question, intent] : corrected.rows) lines.push_back({question, intent});
  return LedgersCorrections{SortCorrections(lines, intents), corrected.without_text};
}

json::object JsonOf(const LedgersCorrections& corrections) {
  json::object out = ToJson(corrections.sorted);
  out["without_text"] = corrections.without_text;
  return out;
}

void Print(const LedgersCorrections& corrections) {
  const auto& [added, left_out, known] = corrections.sorted;
  const auto shown = [](const IntentLine& line) {
    return fmt::format("{}: {}", EscapeForDisplay(line.intent.value_or("out of scope")),
                       EscapeForDisplay(line.text));
  };
  for (const IntentLine& line : added) fmt::print("+ {}\n", shown(line));
  for (const auto& [line, why] : left_out) {
    fmt::print("- {}\n  left out: {}\n", shown(line), EscapeForDisplay(why));
  }
  fmt::print("corrections: {} new, {} known already, {} left out", added.size(), known,
             left_out.size());
  if (corrections.without_text > 0) {
    fmt::print("; of {} the question was not kept (keep_text: kinglet help ledger)",
               corrections.without_text);
  }
  fmt::print("\n");
}

Result<void> ShowCorrections(const Flags& flags, const Environment& environment) {
  const LedgersCorrections corrections = TRY(CorrectionsOf(flags, environment));
  if (flags.json) {
    fmt::print("{}\n", ToJson(json::value(JsonOf(corrections))));
  } else {
    Print(corrections);
  }
  return {};
}

Result<void> Train(const Flags& flags, const Environment& environment) {
  std::optional<LedgersCorrections> corrections;
  if (flags.ledger) {
    corrections = TRY(CorrectionsOf(flags, environment));
    TRY(KeepCorrections(corrections->sorted, flags.file));
    if (!flags.json) Print(*corrections);
  }
  ThreadPool pool(AvailableCpus());
  const double start_ms = MonotonicMs();
  const std::filesystem::path folder = TrainedIntents(environment);
  const TrainingSet set = TRY(TrainRouter(flags.file, folder, RouterEmbedder(environment), pool));
  const double train_s = (MonotonicMs() - start_ms) / 1000;
  const std::string trained = TrainedFile(flags.file, folder).string();
  if (flags.json) {
    json::object out = {{"file", flags.file},
                        {"intents", set.labels.size()},
                        {"examples", set.texts.size()},
                        {"train_s", train_s},
                        {"trained", trained}};
    if (corrections) out["corrections"] = JsonOf(*corrections);
    fmt::print("{}\n", ToJson(json::value(out)));
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

// What goes to a default without examples of its own is of no intent that is learnt.
Result<std::vector<IntentLine>> AsRouted(std::vector<IntentLine> lines, const Intents& intents) {
  const std::vector<std::string> learnt = intents.ToTrainingSet().labels;
  for (IntentLine& line : lines) {
    if (!line.intent) continue;
    const Intent* const intent = intents.FindIntent(*line.intent);
    if (intent == nullptr) {
      return Error(StatusCode::kInvalidInput, "{} is no intent of the file", Quoted(*line.intent));
    }
    if (std::ranges::find(learnt, *line.intent) == learnt.end()) line.intent.reset();
  }
  return lines;
}

Result<IntentReport> TestOnData(const Flags& flags, const Environment& environment) {
  const auto lines = ParseIntentLines(TRY(ReadFile(flags.data, kMaxTestBytes)));
  if (!lines) return std::unexpected(lines.error().WithContext(flags.data));
  const auto router =
      TRY(Router::Open(flags.file, TrainedIntents(environment), RouterEmbedder(environment)));
  return MeasureIntents(TRY(AsRouted(*lines, router->intents())), router->classifier(),
                        router->embedder());
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
  CLI::App* const train = Add(app, *flags, "train", "learns the intents from their examples");
  train->add_flag("--ledger", flags->ledger,
                  "first add what users have corrected (/v1/feedback) to the file of examples");
  const CLI::App* const corrections =
      Add(app, *flags, "corrections", "what train --ledger would add, and what not; adds nothing");
  CLI::App* const test = Add(app, *flags, "test", "how well they are told apart");
  test->add_option("--data", flags->data,
                   "lines of {\"text\", \"intent\"} to test the trained router with; without: "
                   "it learns from four fifths of the examples, and is tested on the rest");
  return [flags, environment, check, train, corrections]() -> Result<void> {
    if (corrections->parsed()) return ShowCorrections(*flags, environment);
    if (check->parsed()) return Check(*flags, environment);
    if (train->parsed()) return Train(*flags, environment);
    return Test(*flags, environment);
  };
}

}  // namespace kinglet
