// SPDX-License-Identifier: Apache-2.0
// kinglet ask: a cited answer from the library, or an abstention with its reason, and the bill.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

#include "answer/answerer.h"
#include "answer/calibrations.h"
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
  bool as_json = false;
  bool why = false;
  SamplingFlags sampling;
};

constexpr std::size_t kMaxLineBytes = 64 << 10;  // of a question that is read

std::unexpected<Status> Uncalibrated(const std::string& model) {
  return Error(
      StatusCode::kUsage,
      "--risk: what {} lets on has not been calibrated; `kinglet eval calibrate` does that",
      EscapeForDisplay(model));
}

// What asks: opened once for all questions of a conversation.
struct Asking {
  Library library;
  std::unique_ptr<VectorSearch> vectors;
  std::unique_ptr<Engine> engine;
  std::optional<Calibration> calibration;
  std::string model_digest;
  AskOptions options;
};

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
  if (mode == AskMode::kQuote && !flags.names_model) return asking;
  const std::filesystem::path file = TRY(ResolveModel(flags.model, environment.home));
  options.model_name = file.stem().string();
  asking.model_digest = ModelDigest(file);
  asking.calibration = TRY(FindCalibration(environment.home / "calibrations",
                                           kBuiltinCalibrationsJson, options.model_name));
  if (flags.risk && !asking.calibration) return Uncalibrated(options.model_name);
  asking.engine = TRY(OpenEngine(file, flags.sampling.engine, environment));
  return asking;
}

// Writes the answer's row. An error is for after the answer: a full disk must not take that away.
Result<void> Account(Books& books, MachineMeter::Share& share, const Asking& asking,
                     Answer& answer) {
  LedgerEntry entry = EntryOf(answer, UnixSeconds());
  if (!asking.model_digest.empty()) entry.model_digest = asking.model_digest;
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
  asking.options.calibration = asking.calibration ? &*asking.calibration : nullptr;
  MachineMeter::Share share = books.Begin();
  Answer answer = TRY(Ask(question, {asking.library, asking.vectors.get()}, asking.engine.get(),
                          asking.options, events));
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
  app.add_flag("--why", flags->why, "show what the decision rests on: passages, ranks, signals");
  app.add_flag("--json", flags->as_json, "print one JSON object; in mode chat one a line");
  AddSamplingFlags(app, flags->sampling);
  return [flags, model, environment] {
    flags->names_model = model->count() > 0;
    return RunAsk(*flags, environment);
  };
}

}  // namespace kinglet
