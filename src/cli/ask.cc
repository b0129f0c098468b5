// SPDX-License-Identifier: Apache-2.0
// kinglet ask: a cited answer from the library, or an abstention with its reason, and the bill.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

#include "answer/calibrations.h"
#include "answer/cascade.h"
#include "base/clock.h"
#include "base/display.h"
#include "catalog/catalog.h"
#include "catalog/store.h"
#include "cli/answer_printer.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/open_engine.h"
#include "cli/open_vectors.h"
#include "cli/sampling_flags.h"
#include "cli/standard_input.h"
#include "engine/engine.h"
#include "ledger/books.h"

namespace kinglet {
namespace {

struct AskFlags {
  std::string question;
  std::string model;
  bool names_model = false;  // else it is the default one
  std::string library;
  std::string mode = "cite";
  std::optional<double> risk;
  std::string then;
  double accept = kDefaultAccept;
  bool as_json = false;
  bool why = false;
  SamplingFlags sampling;
};

constexpr std::size_t kMaxLineBytes = 64 << 10;  // of a question that is read

std::unexpected<Status> Uncalibrated(const char* flag, const std::string& model) {
  return Error(StatusCode::kUsage,
               "{}: what {} lets on has not been calibrated; `kinglet eval calibrate` does that",
               flag, EscapeForDisplay(model));
}

struct AskedModel {
  std::string name, digest;
  std::unique_ptr<Engine> engine;
  std::optional<Calibration> calibration;
};

// What asks: opened once for all questions of a conversation.
struct Asking {
  Library library;
  std::unique_ptr<VectorSearch> vectors;
  AskedModel model;  // without an engine where none is asked
  AskedModel next;   // the larger one of a cascade, opened when it is needed
  AskOptions options;
};

Result<AskedModel> OpenModel(const std::string& name, const AskFlags& flags,
                             const Environment& environment) {
  const std::filesystem::path file = TRY(ResolveModel(name, environment.home));
  AskedModel model{.name = file.stem().string(), .digest = ModelDigest(file)};
  model.calibration =
      TRY(FindCalibration(environment.home / "calibrations", kBuiltinCalibrationsJson, model.name));
  if (flags.risk && !model.calibration) return Uncalibrated("--risk", model.name);
  model.engine = TRY(OpenEngine(file, flags.sampling.engine, environment));
  return model;
}

Result<Asking> Open(const AskFlags& flags, const Environment& environment) {
  const AskMode mode = AskModeOf(flags.mode);
  Asking asking{.library = TRY(Library::Open(flags.library, LibraryMode::kRead)),
                .options = {.mode = mode,
                            .sampling = flags.sampling.options,
                            .stop = flags.sampling.stop,
                            .library_name = flags.library,
                            .risk = flags.risk.value_or(kDefaultRisk)}};
  AskOptions& options = asking.options;
  if (flags.sampling.max_tokens) options.max_tokens = *flags.sampling.max_tokens;
  asking.vectors = OpenVectors(asking.library, environment, WarnOnStderr);
  if (mode == AskMode::kQuote && !flags.names_model) {
    if (flags.then.empty()) return asking;
    return Error(StatusCode::kUsage, "--then: in mode quote --model must name who answers first");
  }
  asking.model = TRY(OpenModel(flags.model, flags, environment));
  options.model_name = asking.model.name;
  if (flags.then.empty()) return asking;
  if (!asking.model.calibration) return Uncalibrated("--then", options.model_name);
  // It is opened when it is needed, and must be there before.
  if (const auto file = TRY(ResolveModel(flags.then, environment.home));
      !std::filesystem::exists(file)) {
    return Error(StatusCode::kNotFound, "{}: no such file", EscapeForDisplay(file.string()));
  }
  options.accept = flags.accept;
  return asking;
}

// Writes the answer's row. An error is for after the answer: a full disk must not take that away.
Result<void> Account(Books& books, MachineMeter::Share& share, const Asking& asking,
                     Answer& answer) {
  LedgerEntry entry = EntryOf(answer, UnixSeconds());
  const AskedModel& model = answer.model == asking.next.name ? asking.next : asking.model;
  if (!model.digest.empty()) entry.model_digest = model.digest;
  Result<void> written = books.Close(share, entry);
  answer.ledger = std::move(entry.line);
  return written;
}

Result<Answer> AskOne(const std::string& question, Asking& asking, const AskFlags& flags,
                      const Environment& environment, Books& books) {
  AnswerPrinter printer(environment.stdout_is_terminal);
  AskEvents events;
  events.cancelled = TakeInterrupt;
  if (!flags.as_json) {
    events.on_quote = [&](const Answer& so_far) { printer.PrintQuotes(so_far); };
    events.on_claim = [&](const Claim& claim, const Answer& so_far) {
      printer.PrintClaim(claim, so_far);
    };
  }
  const auto open_next = [&]() -> Result<NextModel> {
    AskedModel& next = asking.next;
    if (!next.engine) next = TRY(OpenModel(flags.then, flags, environment));
    return NextModel{.model = next.engine.get(),
                     .name = next.name,
                     .calibration = next.calibration ? &*next.calibration : nullptr};
  };
  AskedModel& model = asking.model;
  asking.options.calibration = model.calibration ? &*model.calibration : nullptr;
  const Retriever retriever{asking.library, asking.vectors.get()};
  MachineMeter::Share share = books.Begin();
  Answer answer =
      asking.options.accept
          ? TRY(AskInTurn(question, retriever, *model.engine, asking.options, open_next, events))
          : TRY(Ask(question, retriever, model.engine.get(), asking.options, events));
  Result<void> written = Account(books, share, asking, answer);
  if (flags.as_json) {
    fmt::print("{}\n", ToJson(json::value(ToJson(answer))));
  } else {
    printer.PrintEnd(answer, flags.why);
  }
  std::fflush(stdout);
  TRY(std::move(written));
  return answer;
}

// Questions from standard input, a line each, behind the one that was given, if any.
Result<void> Converse(Asking& asking, const AskFlags& flags, const Environment& environment) {
  Books books(environment.BooksKept());
  std::string question = flags.question;
  while (true) {
    if (!question.empty()) {
      const Answer answer = TRY(AskOne(question, asking, flags, environment, books));
      asking.options.turns.push_back({answer.standalone.empty() ? question : answer.standalone,
                                      answer.span ? answer.span->text : ""});
    }
    if (::isatty(STDIN_FILENO) == 1) {
      fmt::print("\n> ");
      std::fflush(stdout);
    }
    std::optional<std::string> line = TRY(ReadLine(stdin, kMaxLineBytes));
    if (!line) return {};
    question = *std::move(line);
  }
}

Result<void> RunAsk(const AskFlags& flags, const Environment& environment) {
  if (flags.question.empty() && flags.mode != "chat")
    return Error(StatusCode::kUsage, "ask: QUESTION is required");
  HandleInterrupts();
  Asking asking = TRY(Open(flags, environment));
  if (flags.mode == "chat") return Converse(asking, flags, environment);
  Books books(environment.BooksKept());
  TRY(AskOne(flags.question, asking, flags, environment, books));
  return {};
}

}  // namespace

CommandRun SetUpAsk(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<AskFlags>();
  flags->model = environment.settings.model.value_or("");
  flags->library = environment.DefaultLibrary().string();
  app.add_option("QUESTION", flags->question,
                 "what to ask the library; mode chat reads more from standard input, a line each");
  const CLI::Option* const model =
      app.add_option("--model", flags->model, "path, catalog name or hf:user/repo:quant");
  app.add_option("--library", flags->library, "folder of the library");
  app.add_option("--mode", flags->mode,
                 "cite: a quote, and sentences of the model that quotes carry; quote: quotes "
                 "alone, which --model reads out, or else words choose; chat: cite, and what was "
                 "asked before is remembered")
      ->check(CLI::IsMember({"cite", "quote", "chat"}))
      ->capture_default_str();
  app.add_option("--risk", flags->risk,
                 "abstain where the quote answers with less than 1 - RISK of probability; "
                 "default: 0.7 where the model is calibrated")
      ->check(CLI::Range(0.0, 1.0));
  CLI::Option* const then = app.add_option(
      "--then", flags->then,
      "a larger model, which answers where --model is not sure enough of its answer");
  app.add_option("--accept", flags->accept,
                 "the probability of being right from which --model's answer, or abstention, is "
                 "taken")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(then)
      ->capture_default_str();
  app.add_flag("--why", flags->why, "show what the decision rests on: passages, ranks, signals");
  app.add_flag("--json", flags->as_json, "print one JSON object; in mode chat one a line");
  AddSamplingFlags(app, flags->sampling);
  return [flags, model, environment] {
    flags->names_model = model->count() > 0;
    return RunAsk(*flags, environment);
  };
}

}  // namespace kinglet
