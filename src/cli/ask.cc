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
#include "answer/intent_settings.h"
#include "base/clock.h"
#include "base/display.h"
#include "catalog/catalog.h"
#include "catalog/store.h"
#include "cli/answer_printer.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/open_router.h"
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
  std::string library;
  std::string mode = "cite";
  std::string intents;
  bool follows_intents = false;
  std::optional<double> risk;
  AskSettings said;  // what of these and of the sampling was not left as it is otherwise
  std::string then;
  double accept = kDefaultAccept;
  bool as_json = false;
  bool why = false;
  SamplingFlags sampling;
};

constexpr std::size_t kMaxLineBytes = 64 << 10;  // of a question that is read

// What asks for a calibration that there is not: a flag, or the intent that is followed.
std::unexpected<Status> Uncalibrated(const std::string& setting, bool is_flag,
                                     const std::string& intent, const std::string& model) {
  const std::string who =
      is_flag ? "--" + setting : fmt::format("{} of the intent {}", setting, Quoted(intent));
  return Error(is_flag ? StatusCode::kUsage : StatusCode::kNotFound,
               "{}: what {} lets on has not been calibrated; `kinglet eval calibrate` does that",
               who, EscapeForDisplay(model));
}

struct AskedModel {
  std::filesystem::path file;
  std::string name, digest;
  std::unique_ptr<Engine> engine;
  std::optional<Calibration> calibration;
};

// What asks: opened once for all questions of a conversation.
struct Asking {
  Library library;
  std::unique_ptr<VectorSearch> vectors;
  AskedModel model;  // without an engine where none is asked
  AskedModel next;   // the larger one of a cascade; its engine is opened when it is needed
  AskOptions options;
};

// But for its engine.
Result<AskedModel> DescribeModel(std::filesystem::path file, const Environment& environment) {
  AskedModel model{.file = std::move(file)};
  model.name = model.file.stem().string();
  model.digest = ModelDigest(model.file);
  model.calibration =
      TRY(FindCalibration(environment.home / "calibrations", kBuiltinCalibrationsJson, model.name));
  return model;
}

const Calibration* CalibrationOf(const AskedModel& model) {
  return model.calibration ? &*model.calibration : nullptr;
}

// intent: that is followed, if any.
Result<Asking> Open(const AskFlags& flags, const AskSettings& settings, const std::string& intent,
                    const Environment& environment) {
  const AskMode mode = settings.mode.value_or(AskMode::kCite);
  const std::string& folder = settings.library.empty() ? flags.library : settings.library;
  Asking asking{.library = TRY(Library::Open(folder, LibraryMode::kRead)),
                .options = {.mode = mode,
                            .sampling = flags.sampling.options,
                            .stop = flags.sampling.stop,
                            .library_name = folder,
                            .risk = settings.risk.value_or(kDefaultRisk)}};
  AskOptions& options = asking.options;
  options.terms.first_byte_budget_ms = settings.first_byte_budget_ms;
  ApplySampling(settings.sampling, options);
  asking.vectors = OpenVectors(asking.library, environment, WarnOnStderr);
  if (mode == AskMode::kQuote && settings.model.empty()) {
    if (settings.then.empty()) return asking;
    return Error(StatusCode::kUsage, "--then: in mode quote --model must name who answers first");
  }
  AskedModel& model = asking.model;
  const std::string& first = settings.model.empty() ? flags.model : settings.model;
  model = TRY(DescribeModel(TRY(FindModelFile(first, environment)), environment));
  options.model_name = model.name;
  const auto need_calibration = [&](const AskedModel& of) -> Result<void> {
    if (!settings.risk || of.calibration) return {};
    return Uncalibrated("risk", flags.said.risk.has_value(), intent, of.name);
  };
  TRY(need_calibration(model));
  if (!settings.then.empty()) {
    if (!model.calibration) {
      return Uncalibrated("then", !flags.said.then.empty(), intent, model.name);
    }
    asking.next = TRY(DescribeModel(
        TRY(FindLargerModelFile(settings.then, model.file, environment)), environment));
    TRY(need_calibration(asking.next));
    options.accept = settings.accept.value_or(kDefaultAccept);
  }
  model.engine = TRY(OpenEngine(model.file, flags.sampling.engine, environment));
  return asking;
}

// Writes the answer's row and shows what was not shown yet. Without a row the answer is given too:
// a full disk must not take that away.
Result<void> Finish(Books& books, MachineMeter::Share& share, const std::string& model_digest,
                    Answer& answer, const AskFlags& flags, AnswerPrinter& printer) {
  LedgerEntry entry = EntryOf(answer, UnixSeconds());
  entry.model_digest = model_digest;
  const Result<void> written = books.Close(share, entry);
  answer.ledger = std::move(entry.line);
  if (flags.as_json) {
    fmt::print("{}\n", ToJson(json::value(ToJson(answer))));
  } else {
    printer.PrintEnd(answer, flags.why);
  }
  std::fflush(stdout);
  if (written) return {};
  // A ledger that is no database is no fault of what was asked.
  return Error(StatusCode::kFailed, "{}", written.error().message());
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
  AskedModel& model = asking.model;
  AskedModel& larger = asking.next;
  const auto open_larger = [&]() -> Result<NextModel::Opened> {
    if (!larger.engine)
      larger.engine = TRY(OpenEngine(larger.file, flags.sampling.engine, environment));
    return NextModel::Opened{larger.engine.get(), CalibrationOf(larger)};
  };
  asking.options.calibration = CalibrationOf(model);
  const Retriever retriever{asking.library, asking.vectors.get()};
  MachineMeter::Share share = books.Begin();
  std::optional<Answer> undelivered;
  Result<Answer> answer =
      asking.options.accept
          ? AskInTurn(question, retriever, *model.engine, asking.options,
                      {larger.name, open_larger}, events, undelivered)
          : Ask(question, retriever, model.engine.get(), asking.options, events, &undelivered);
  const auto digest_of = [&](const Answer& of) {
    return of.model == larger.name ? larger.digest : model.digest;
  };
  if (undelivered) {
    LedgerEntry entry = EntryOf(*undelivered, UnixSeconds());
    entry.model_digest = digest_of(*undelivered);
    WarnOfLedger(books.Close(share, entry));
  }
  if (!answer) return answer;
  TRY(Finish(books, share, digest_of(*answer), *answer, flags, printer));
  return answer;
}

// From standard input, a line each; unset at its end and where Ctrl-C comes first.
Result<std::optional<std::string>> ReadQuestion() {
  std::optional<std::string> line;
  do {
    if (::isatty(STDIN_FILENO) == 1) {
      fmt::print("\n> ");
      std::fflush(stdout);
    }
    Result<std::optional<std::string>> read = ReadLine(stdin, kMaxLineBytes);
    if (!read && TakeInterrupt()) return std::nullopt;
    line = TRY(std::move(read));
  } while (line && line->empty());
  return line;
}

// The question that was given, if any, and those that are read. Ctrl-C ends an answer alone.
Result<void> Converse(Asking& asking, const AskFlags& flags, const Environment& environment,
                      Books& books) {
  std::optional<std::string> question = flags.question;
  if (flags.question.empty()) question = TRY(ReadQuestion());
  for (; question; question = TRY(ReadQuestion())) {
    const Result<Answer> answer = AskOne(*question, asking, flags, environment, books);
    Turn turn{.question = *question, .answer = ""};
    if (answer) {
      if (const auto& span = answer->span) turn.answer = span->text;
    } else if (answer.error().code() == StatusCode::kCancelled) {
      fmt::print(stderr, "kinglet: {}\n", answer.error().message());
    } else {
      return std::unexpected(answer.error());
    }
    asking.options.turns.push_back(std::move(turn));
  }
  return {};
}

// What the intent of the question says where flags do not; its library stands beside its file.
struct Routed {
  AskRoute route;
  AskSettings settings;
  std::string intent;             // that is followed: of the question, or the default
  std::optional<Answer> refusal;  // then there is nothing to ask
};

Result<Routed> FollowIntents(const AskFlags& flags, const Environment& environment) {
  const std::filesystem::path file =
      flags.intents.empty() ? DefaultIntents(environment) : std::filesystem::path(flags.intents);
  const auto router =
      TRY(Router::Open(file, TrainedIntents(environment), RouterEmbedder(environment)));
  const Decision decision = TRY(router->Route(flags.question));
  if (decision.uses == nullptr) {
    return Error(StatusCode::kNotFound, "no intent fits {}, and {} has no default one",
                 Quoted(flags.question), file.string());
  }
  Intent intent = *decision.uses;
  Routed routed{.route = RouteOf(decision), .settings = flags.said, .intent = intent.name};
  if (intent.mode == IntentMode::kRefuse) {
    routed.refusal = RefusalOf(flags.question, intent, routed.route);
    return routed;
  }
  if (!intent.library.empty()) intent.library = (file.parent_path() / intent.library).string();
  routed.settings = TRY(WithIntent(std::move(routed.settings), intent));
  return routed;
}

Result<void> Refuse(Answer answer, const AskFlags& flags, const Environment& environment,
                    Books& books) {
  MachineMeter::Share share = books.Begin();
  AnswerPrinter printer(environment.stdout_is_terminal);
  return Finish(books, share, "", answer, flags, printer);
}

Result<void> RunAsk(AskFlags flags, const Environment& environment) {
  // An intent of mode chat is no conversation: whoever calls from a script has its input unread.
  const bool converses = flags.mode == "chat";
  if (flags.question.empty() && !converses)
    return Error(StatusCode::kUsage, "ask: QUESTION is required");
  HandleInterrupts();
  if (flags.question.empty() && flags.follows_intents) {
    std::optional<std::string> first = TRY(ReadQuestion());
    if (!first) return {};
    flags.question = *std::move(first);
  }
  Books books(environment.BooksKept());
  AskSettings settings = flags.said;
  std::optional<AskRoute> route;
  std::string intent;
  if (flags.follows_intents) {
    Routed routed = TRY(FollowIntents(flags, environment));
    if (routed.refusal) return Refuse(*std::move(routed.refusal), flags, environment, books);
    settings = std::move(routed.settings);
    route = std::move(routed.route);
    intent = std::move(routed.intent);
  }
  Asking asking = TRY(Open(flags, settings, intent, environment));
  asking.options.route = std::move(route);
  if (converses) return Converse(asking, flags, environment, books);
  TRY(AskOne(flags.question, asking, flags, environment, books));
  return {};
}

// What of the flags was given.
AskSettings SaidBy(const CLI::App& app, const AskFlags& flags) {
  const auto given = [&app](const char* name) { return app.get_option(name)->count() > 0; };
  AskSettings said{.then = flags.then, .risk = flags.risk};
  if (given("--mode")) said.mode = AskModeOf(flags.mode);
  if (given("--model") && flags.model != kAutoModel) said.model = flags.model;
  if (given("--library")) said.library = flags.library;
  if (given("--accept")) said.accept = flags.accept;
  const SamplingOptions& options = flags.sampling.options;
  if (given("--temp")) said.sampling.temperature = options.temperature;
  if (given("--top-p")) said.sampling.top_p = options.top_p;
  if (given("--min-p")) said.sampling.min_p = options.min_p;
  if (given("--top-k")) said.sampling.top_k = options.top_k;
  if (given("--seed")) said.sampling.seed = static_cast<std::int64_t>(options.seed);
  said.sampling.max_tokens = flags.sampling.max_tokens;
  return said;
}

}  // namespace

CommandRun SetUpAsk(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<AskFlags>();
  flags->model = environment.settings.model.value_or("");
  flags->library = environment.DefaultLibrary().string();
  app.add_option("QUESTION", flags->question,
                 "what to ask the library; mode chat reads more from standard input, a line each");
  app.add_option("--model", flags->model,
                 "path, catalog name or hf:user/repo:quant; auto: the question's intent says which "
                 "model, library, mode, risk and sampling, as far as flags do not");
  app.add_option("--intents", flags->intents,
                 "TOML file of the intents, trained before, which is followed; of --model auto: "
                 "intents.toml in $KINGLET_HOME");
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
      ->check(NumberFrom(0, 1));
  CLI::Option* const then = app.add_option(
      "--then", flags->then,
      "a larger model, which answers where --model is not sure enough of its answer");
  app.add_option("--accept", flags->accept,
                 "the probability of being right from which --model's answer, or abstention, is "
                 "taken")
      ->check(NumberFrom(0, 1))
      ->needs(then)
      ->capture_default_str();
  app.add_flag("--why", flags->why, "show what the decision rests on: passages, ranks, signals");
  app.add_flag("--json", flags->as_json, "print one JSON object; in mode chat one a line");
  AddSamplingFlags(app, flags->sampling);
  return [flags, &app, environment] {
    flags->said = SaidBy(app, *flags);
    flags->follows_intents = flags->model == kAutoModel || !flags->intents.empty();
    // The default model, where the intent names none.
    if (flags->model == kAutoModel) flags->model = environment.settings.model.value_or("");
    return RunAsk(*flags, environment);
  };
}

}  // namespace kinglet
