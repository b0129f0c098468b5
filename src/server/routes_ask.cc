// SPDX-License-Identifier: Apache-2.0
// Questions to a library: by Kinglet's own route, and by chat completions that name one.
#include <memory>
#include <utility>

#include "answer/cascade.h"
#include "answer/intent_settings.h"
#include "base/clock.h"
#include "server/library_chat.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTurns = 64;

ApiError Of(const Status& status) { return ApiError::OfStatus(status); }

// What is asked, by whichever route.
struct Question {
  std::string text;
  AskSettings settings;  // but for what goes into the other two
  AskOptions options;
  GenerationFields fields;
};

void RecordAnswer(Server& server, const Call& call, MachineMeter::Share& share,
                  const ModelLease* lease, Answer& answer) {
  LedgerEntry entry = EntryOf(answer, UnixSeconds());
  entry.kind = KindOf(call);
  if (lease != nullptr) entry.model_digest = (*lease)->digest();
  CloseAccount(server, share, entry);
  answer.ledger = std::move(entry.line);
  // Before the answer's end: the next request is held against it.
  call.admission->CountTokens(answer.ledger.prompt_tokens + answer.ledger.completion_tokens);
}

void CountAnswer(Server& server, const Answer& answer) {
  const auto& abstained = answer.abstained;
  server.metrics().CountAsk(abstained ? Name(*abstained) : "answered", answer.ledger.first_byte_ms);
}

// The calibration of the model, where what is asked for does not need one that there is not.
ApiResult<const Calibration*> CalibrationOf(Server& server, const AskSettings& settings,
                                            const std::filesystem::path& model) {
  const auto calibration = server.calibrations().Find(model.stem().string());
  if (!calibration) return std::unexpected(Of(calibration.error()));
  if (settings.risk && *calibration == nullptr)
    return std::unexpected(ApiError::OfField({"risk", "is for models that are calibrated"}));
  return *calibration;
}

// The larger model of a cascade, where there is one; what of it does not go together is refused
// before the small one works. Its lease takes the small one's place: there may be room for one
// alone.
ApiResult<std::optional<NextModel>> NextOf(Server& server, const AskSettings& settings,
                                           const AskOptions& first, ModelLease* lease) {
  if (settings.then.empty()) {
    if (!settings.accept) return std::nullopt;
    return std::unexpected(ApiError::OfField({"accept", "says nothing without then"}));
  }
  if (first.calibration == nullptr)
    return std::unexpected(ApiError::OfField({"then", "needs a first model that is calibrated"}));
  const ApiResult<const OfferedModel*> offered = FindWriter(server, settings.then, "then");
  if (!offered) return std::unexpected(offered.error());
  const auto calibration = CalibrationOf(server, settings, (*offered)->path);
  if (!calibration) return std::unexpected(calibration.error());
  const std::string& name = (*offered)->name;
  const auto open = [&server, name, lease,
                     calibration = *calibration]() -> Result<NextModel::Opened> {
    *lease = ModelLease();
    *lease = TRY(server.models().Acquire(name));
    if ((*lease)->engine() == nullptr)  // the file is another by now
      return Error(StatusCode::kInvalidInput, "{} writes no text", name);
    return NextModel::Opened{(*lease)->engine(), calibration};
  };
  return NextModel{name, open};
}

// Asks, and keeps the books: what was answered is accounted for before the client has it.
ApiResult<Answer> AskLibrary(Server& server, const Call& call, Question question, ModelLease* lease,
                             AskEvents events) {
  const Result<const ShelvedLibrary*> which = server.libraries().Find(question.settings.library);
  if (!which) return std::unexpected(Of(which.error()));
  AskOptions& options = question.options;
  options.library_name = (*which)->name;
  options.start_ms = call.request.received_ms;
  if (call.taken != nullptr) options.route = call.taken->route;
  options.terms = TermsOf(server, call, question.fields);
  // What was computed of a library's documents is shared by those who may read it.
  options.terms.scope = "library " + (*which)->name;
  LanguageModel* model = nullptr;
  if (lease != nullptr) {
    model = (*lease)->engine();
    options.model_name = (*lease)->name();
    const auto calibration = CalibrationOf(server, question.settings, (*lease)->path());
    if (!calibration) return std::unexpected(calibration.error());
    options.calibration = *calibration;
  } else if (question.settings.risk) {
    return std::unexpected(ApiError::OfField({"risk", "is for models that are calibrated"}));
  }
  const AskSettings& settings = question.settings;
  const auto found = NextOf(server, settings, options, lease);
  if (!found) return std::unexpected(found.error());
  const std::optional<NextModel>& next = *found;
  if (next) options.accept = settings.accept.value_or(kDefaultAccept);
  options.risk = settings.risk.value_or(kDefaultRisk);
  Result<BorrowedLibrary> library = server.libraries().Borrow(settings.library);
  if (!library) return std::unexpected(Of(library.error()));
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  call.exchange->OnGone([gone] { *gone = true; });
  events.cancelled = [gone] { return gone->load(); };
  MachineMeter::Share share = server.books().Begin();
  std::optional<Answer> undelivered;
  Result<Answer> answer =
      next ? AskInTurn(question.text, library->retriever(), *model, options, *next, events,
                       undelivered)
           : Ask(question.text, library->retriever(), model, options, events, &undelivered);
  if (undelivered) RecordAnswer(server, call, share, next ? nullptr : lease, *undelivered);
  if (!answer) return std::unexpected(Of(answer.error()));
  answer->ledger.delivered = !gone->load();
  RecordAnswer(server, call, share, lease, *answer);
  CountAnswer(server, *answer);
  return *std::move(answer);
}

// A stream whose head waits for its first event, so that what fails before it is told by a status
// of its own.
class AskStream {
 public:
  explicit AskStream(std::shared_ptr<HttpExchange> exchange) : exchange_(std::move(exchange)) {}

  bool begun() const { return begun_; }
  // With the next ones.
  void Hold(const std::string& events) { held_ += events; }
  // Bytes of whole events. Who is gone is told by the exchange.
  void Send(const std::string& events) {
    if (events.empty()) return;
    if (!std::exchange(begun_, true)) {
      exchange_->Begin(200, "text/event-stream", {{"Cache-Control", "no-cache"}});
    }
    exchange_->Write(std::exchange(held_, {}) + events);
  }
  void SendLast(const std::string& events) {
    Send(events);
    exchange_->End();
  }

 private:
  std::shared_ptr<HttpExchange> exchange_;
  std::string held_;
  bool begun_ = false;
};

// Events `passages`, `quote` and `claim` as they come. Passages wait for what the model says: until
// then the engine may refuse it.
AskEvents EventsTo(AskStream& stream) {
  AskEvents events;
  events.on_passages = [&stream](const Answer& so_far) {
    stream.Hold(Event({{"passages", ToJson(so_far.grounds).at("passages")}}, "passages"));
  };
  events.on_quote = [&stream](const Answer& so_far) {
    json::object quote = ToJson(so_far.quotes.back());
    quote["index"] = so_far.quotes.size() - 1;
    // It is set before its quote, which is the first, is told of.
    quote["span"] = so_far.quotes.size() == 1 ? ToJson(so_far.span) : json::value();
    stream.Send(Event(quote, "quote"));
  };
  events.on_claim = [&stream](const Claim& claim, const Answer&) {
    json::array marks;
    for (const int quote : claim.quotes) marks.push_back(quote);
    stream.Send(Event({{"text", claim.text}, {"quotes", std::move(marks)}}, "claim"));
  };
  return events;
}

std::vector<Turn> ReadTurns(JsonFields& fields) {
  std::vector<Turn> turns;
  const json::array* const given = fields.Array("turns");
  if (given == nullptr) return turns;
  if (given->size() > kMaxTurns) fields.Fail("turns", fmt::format("has more than {}", kMaxTurns));
  for (const json::value& one : *given) {
    if (fields.failed()) break;
    if (!one.is_object()) {
      fields.Fail("turns", "must be objects with a question and an answer");
      break;
    }
    JsonFields of_turn(one.get_object(), fields.PathOf("turns"));
    turns.push_back(
        {of_turn.RequiredText("question", kMaxQuestionBytes), of_turn.Text("answer").value_or("")});
    fields.TakeErrorOf(of_turn);
  }
  return turns;
}

ApiResult<Question> ParseAsk(const json::object& body) {
  JsonFields fields(body);
  Question ask;
  ask.text = fields.RequiredText("question", kMaxQuestionBytes);
  if (ask.text.empty()) fields.Fail("question", "is empty");
  ask.settings.library = fields.Text("library").value_or("");
  const auto mode = fields.Word("mode", {"cite", "quote", "chat"});
  if (mode) ask.settings.mode = AskModeOf(*mode);
  ask.settings.risk = fields.Number("risk", 0, 1);
  ask.settings.then = fields.Text("then").value_or("");
  ask.settings.accept = fields.Number("accept", 0, 1);
  ask.options.turns = ReadTurns(fields);
  ask.fields.stream = fields.Flag("stream").value_or(false);
  fields.Ignore({"model"});
  ReadOwnFields(fields, ask.fields);
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  return ask;
}

ReplyTotals TotalsOf(const Answer& answer) {
  // What the model wrote to read is on the bill alone: max_tokens was not of it.
  ReplyTotals totals{.prompt_tokens = answer.ledger.prompt_tokens,
                     .cached_tokens = answer.ledger.cached_tokens,
                     .completion_tokens = answer.draft_tokens,
                     .ledger = ToJson(answer.ledger)};
  totals.ledger["answer"] = ToJson(answer);
  return totals;
}

// The model is the one that the body names.
void AnswerQuestion(Server& server, const Call& call, const json::object& body, Question question) {
  question.options.mode = question.settings.mode.value_or(AskMode::kCite);
  if (question.options.mode != AskMode::kChat && !question.options.turns.empty())
    return ReplyError(call, ApiError::OfField({"turns", "is for mode chat"}));
  std::optional<ModelLease> lease;
  if (question.options.mode != AskMode::kQuote || body.contains("model")) {
    ApiResult<ModelLease> acquired = AcquireWriter(server, body);
    if (!acquired) return ReplyError(call, acquired.error());
    lease = *std::move(acquired);
  }
  AskStream stream(call.exchange);
  const bool streams = question.fields.stream;
  const ApiResult<Answer> answer =
      AskLibrary(server, call, std::move(question), lease ? &*lease : nullptr,
                 streams ? EventsTo(stream) : AskEvents{});
  if (!answer) {
    if (!stream.begun()) return ReplyError(call, answer.error());
    return stream.SendLast(Event(ToJson(answer.error(), Dialect::kOpenAi), "error"));
  }
  if (!streams) return Reply(call, ToJson(*answer));
  stream.SendLast(Event(ToJson(*answer), "answer"));
}

// Says the intent's message in the place of an answer: neither library nor model is asked.
void RefuseQuestion(Server& server, const Call& call, const Question& question) {
  MachineMeter::Share share = server.books().Begin();
  Answer answer = RefusalOf(question.text, call.taken->uses, call.taken->route);
  answer.ledger.first_byte_ms = answer.ledger.total_ms = MonotonicMs() - call.request.received_ms;
  RecordAnswer(server, call, share, nullptr, answer);
  CountAnswer(server, answer);
  if (!question.fields.stream) return Reply(call, ToJson(answer));
  AskStream(call.exchange).SendLast(Event(ToJson(answer), "answer"));
}

// The intent of the question says what answers.
void HandleRoutedAsk(Server& server, const Call& call, json::object body, Question question) {
  const ApiResult<Call> routed = FollowRoute(server, call, question.text);
  if (!routed) return ReplyError(call, routed.error());
  const Intent& intent = routed->taken->uses;
  if (intent.mode == IntentMode::kRefuse) return RefuseQuestion(server, *routed, question);
  question.settings.first_byte_budget_ms = question.fields.first_byte_budget_ms;
  Result<AskSettings> settings = WithIntent(std::move(question.settings), intent);
  if (!settings) return ReplyError(call, Of(settings.error()));
  question.settings = *std::move(settings);
  question.fields.first_byte_budget_ms = question.settings.first_byte_budget_ms;
  ApplySampling(question.settings.sampling, question.options);
  body.erase("model");
  if (!question.settings.model.empty()) body["model"] = question.settings.model;
  AnswerQuestion(server, *routed, body, std::move(question));
}

}  // namespace

void HandleAsk(Server& server, const Call& call) {
  ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  ApiResult<Question> ask = ParseAsk(*body);
  if (!ask) return ReplyError(call, ask.error());
  if (AsksForRoute(*body) && server.router().has_router()) {
    return HandleRoutedAsk(server, call, *std::move(body), *std::move(ask));
  }
  AnswerQuestion(server, call, *body, *std::move(ask));
}

void HandleLibraryChat(Server& server, const Call& call, const json::object& body) {
  // An intent may want quotes alone, which need no model.
  const bool quotes = call.taken != nullptr && call.taken->uses.mode == IntentMode::kQuote;
  std::optional<ModelLease> lease;
  if (!quotes) {
    ApiResult<ModelLease> acquired = AcquireWriter(server, body);
    if (!acquired) return ReplyError(call, acquired.error());
    lease = *std::move(acquired);
  }
  ApiResult<LibraryChat> chat = ParseLibraryChat(body, lease ? (*lease)->engine() : nullptr);
  if (!chat) return ReplyError(call, chat.error());
  Question question{.text = std::move(chat->question)};
  question.settings.library = std::move(chat->library);
  question.options.mode = quotes ? AskMode::kQuote : AskMode::kChat;
  question.options.turns = std::move(chat->turns);
  question.settings.risk = chat->risk;
  question.settings.then = std::move(chat->then);
  question.settings.accept = chat->accept;
  question.options.sampling = chat->fields.request.sampling;
  question.options.stop = chat->fields.request.stop;
  question.options.max_tokens = chat->fields.max_tokens.value_or(question.options.max_tokens);
  question.fields = chat->fields;
  std::unique_ptr<ReplyFormat> format;  // of the model that answers, which shows with its words
  AskStream stream(call.exchange);
  ReplyChoice choice;
  AskEvents events;
  const auto say = [&](const std::string& text, const Answer& so_far) {
    if (format == nullptr) {
      format = MakeChatFormat(quotes ? std::string(kAutoModel) : so_far.model, nullptr,
                              chat->fields.include_usage);
      if (chat->fields.stream) stream.Send(format->Begin());
    }
    choice.text += text;
    if (chat->fields.stream) stream.Send(format->Delta(0, {.text = text}));
  };
  if (!quotes) {
    events.on_claim = [&](const Claim& claim, const Answer& so_far) {
      say(ClaimText(claim, choice.text.empty()), so_far);
    };
  }
  const ApiResult<Answer> answer =
      AskLibrary(server, call, std::move(question), lease ? &*lease : nullptr, std::move(events));
  if (!answer) {
    if (!stream.begun()) return ReplyError(call, answer.error());
    return stream.SendLast(Event(ToJson(answer.error(), Dialect::kOpenAi)));
  }
  say(EndText(*answer), *answer);
  // Of a request without a limit an answer is whole: how much a model drafts is our affair.
  const bool is_cut = answer->is_cut && chat->fields.max_tokens;
  choice.result.finish_reason = is_cut ? FinishReason::kLength : FinishReason::kStop;
  choice.tokens = answer->draft_tokens;
  ReplyTotals totals = TotalsOf(*answer);
  if (call.taken != nullptr) totals.ledger["route"] = RouteOf(call);
  if (!chat->fields.stream) return Reply(call, format->Whole({&choice, 1}, totals));
  stream.SendLast(format->ChoiceEnd(0, choice, &totals) + format->End({&choice, 1}, totals));
}

}  // namespace kinglet
