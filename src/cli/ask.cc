// SPDX-License-Identifier: Apache-2.0
// kinglet ask: a cited answer from the library, or an abstention with its reason, and the bill.
#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>

#include "answer/answerer.h"
#include "answer/calibrations.h"
#include "answer/ledger.h"
#include "base/clock.h"
#include "base/display.h"
#include "catalog/catalog.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/open_engine.h"
#include "cli/open_vectors.h"
#include "cli/sampling_flags.h"
#include "engine/engine.h"

namespace kinglet {
namespace {

struct AskFlags {
  std::string question;
  std::string model;
  std::string library;
  std::string mode = "cite";
  std::optional<double> risk;
  bool as_json = false;
  SamplingFlags sampling;
};

std::string OneLine(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return EscapeForDisplay(text);
}

// A claim that is its own quote is shown once, as the quote.
bool IsQuoteItself(const Answer& answer, const Claim& claim) {
  return claim.quotes.size() == 1 &&
         claim.text == answer.quotes[static_cast<std::size_t>(claim.quotes.front())].text;
}

// A heading's path often ends in the document's title.
std::string Place(const Quote& quote) {
  if (quote.heading.find(quote.title) != std::string::npos) return quote.heading;
  return quote.heading.empty() ? quote.title : quote.title + " > " + quote.heading;
}

void PrintQuotes(const Answer& answer) {
  for (std::size_t i = 0; i < answer.quotes.size(); ++i) {
    const Quote& quote = answer.quotes[i];
    const std::string page = quote.page ? fmt::format(", page {}", *quote.page) : "";
    const std::string line = quote.line ? fmt::format(", line {}", *quote.line) : "";
    fmt::print("\n[{}] \u201c{}\u201d\n    {}\n    {}{}{}, bytes {}-{}\n", i + 1,
               OneLine(quote.text), OneLine(Place(quote)), OneLine(quote.document), page, line,
               quote.start_byte, quote.end_byte);
  }
}

const char* Explain(AbstainReason reason) {
  switch (reason) {
    case AbstainReason::kOffTopic:
      return "the library is about something else";
    case AbstainReason::kMissing:
      return "the library does not say";
    case AbstainReason::kUnsupported:
      return "nothing in the library carries an answer";
  }
  return "";
}

void PrintAbstention(AbstainReason reason, const Answer& answer) {
  fmt::print("I do not know: {} ({}).\n", Explain(reason), Name(reason));
  for (const Dropped& dropped : answer.dropped) {
    if (dropped.text.empty()) fmt::print("{}.\n", OneLine(dropped.reason));
  }
}

void PrintLedgerLine(const LedgerLine& line) {
  fmt::print(
      "\nfirst byte {:.0f} ms ({} uncached prompt tokens) | {} prompt, {} cached, {} generated, {} "
      "useful "
      "tokens | total {:.0f} ms | {} | {}\n",
      line.first_byte_ms, line.prompt_tokens - line.cached_tokens, line.prompt_tokens,
      line.cached_tokens, line.completion_tokens, line.useful_tokens, line.total_ms,
      line.joules
          ? fmt::format("{:.1f} J ({})", *line.joules, line.joules_source.value_or("unknown"))
          : "joules not told by this machine",
      line.cost ? fmt::format("cost {:.6f} {}", *line.cost, line.currency) : "cost: no prices set");
}

Result<void> Uncalibrated(const std::string& model) {
  return Error(
      StatusCode::kUsage,
      "--risk: what {} lets on has not been calibrated; `kinglet eval calibrate` does that",
      EscapeForDisplay(model));
}

Result<void> RunAsk(const AskFlags& flags, const Environment& environment) {
  HandleInterrupts();
  AskOptions options{.mode = flags.mode == "quote" ? AskMode::kQuote : AskMode::kCite,
                     .sampling = flags.sampling.options,
                     .stop = flags.sampling.stop,
                     .library_name = flags.library,
                     .risk = flags.risk,
                     .currency = environment.settings.currency,
                     .electricity_per_kwh = environment.settings.electricity_per_kwh,
                     .machine_per_hour = environment.settings.machine_per_hour};
  if (flags.sampling.max_tokens) options.max_tokens = *flags.sampling.max_tokens;

  Library library = TRY(Library::Open(flags.library, LibraryMode::kRead));
  const auto vectors = OpenVectors(library, environment, WarnOnStderr);
  std::unique_ptr<Engine> engine;
  std::optional<Calibration> calibration;
  if (options.mode == AskMode::kCite) {
    const std::filesystem::path file = TRY(ResolveModel(flags.model, environment.home));
    options.model_name = file.stem().string();
    calibration = TRY(FindCalibration(environment.home / "calibrations", kBuiltinCalibrationsJson,
                                      options.model_name));
    if (calibration) options.calibration = &*calibration;
    if (flags.risk && !calibration) return Uncalibrated(options.model_name);
    engine = TRY(OpenEngine(file, flags.sampling.engine, environment));
  }

  // Claims appear as they are checked; their quotes, which may come to share marks, follow at the
  // end.
  bool printed = false;
  Answer answer;
  AskEvents events;
  events.cancelled = TakeInterrupt;
  if (!flags.as_json) {
    events.on_claim = [&](const Claim& claim, const Answer& so_far) {
      if (IsQuoteItself(so_far, claim)) return;
      fmt::print("{}{} [{}]", printed ? " " : "", OneLine(claim.text), claim.quotes.front() + 1);
      std::fflush(stdout);
      printed = true;
    };
  }
  answer = TRY(Ask(flags.question, {library, vectors.get()}, engine.get(), options, events));

  // Before the ledger: a full disk there must not take the answer away.
  if (flags.as_json) {
    fmt::print("{}\n", ToJson(json::value(ToJson(answer))));
  } else {
    if (printed) fmt::print("\n");
    if (answer.abstained) PrintAbstention(*answer.abstained, answer);
    PrintQuotes(answer);
    PrintLedgerLine(answer.ledger);
  }
  std::fflush(stdout);
  Ledger ledger = TRY(Ledger::Open(environment.LedgerFile()));
  return ledger.Record(answer, UnixSeconds());
}

}  // namespace

CommandRun SetUpAsk(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<AskFlags>();
  flags->model = environment.settings.model.value_or("");
  flags->library = environment.DefaultLibrary().string();
  app.add_option("QUESTION", flags->question, "what to ask the library")->required();
  app.add_option("--model", flags->model, "path, catalog name or hf:user/repo:quant");
  app.add_option("--library", flags->library, "folder of the library");
  app.add_option(
         "--mode", flags->mode,
         "cite: sentences of the model, each carried by a quote; quote: the best quotes, no model")
      ->check(CLI::IsMember({"cite", "quote"}));
  app.add_option("--risk", flags->risk,
                 "abstain where the documents answer with less than 1 - RISK of probability")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--json", flags->as_json, "print one JSON object");
  AddSamplingFlags(app, flags->sampling);
  return [flags, environment] { return RunAsk(*flags, environment); };
}

}  // namespace kinglet
