// SPDX-License-Identifier: Apache-2.0
// The routes of Kinglet's own that answer: questions to a library, searches, the ledger.
#include <memory>
#include <utility>

#include "answer/answerer.h"
#include "answer/ledger.h"
#include "base/clock.h"
#include "server/routes.h"

namespace kinglet {
namespace {

ApiError Of(const Status& status) { return ApiError::OfStatus(status); }

// Server-sent events: claims with their quotes as they are checked, then the answer. The head waits
// for the first of them, so that what fails before it is told by a status of its own.
class AskStream {
 public:
  AskStream(std::shared_ptr<HttpExchange> exchange, std::shared_ptr<std::atomic<bool>> gone)
      : exchange_(std::move(exchange)), gone_(std::move(gone)) {}

  bool begun() const { return begun_; }

  void SendClaim(const Claim& claim, const Answer& so_far) {
    const json::value answer = ToJson(so_far);
    json::array quotes;
    for (; quotes_sent_ < so_far.quotes.size(); ++quotes_sent_) {
      json::object quote = answer.at("quotes").at(quotes_sent_).as_object();
      quote["index"] = quotes_sent_;
      quotes.push_back(std::move(quote));
    }
    json::array marks;
    for (const int quote : claim.quotes) marks.push_back(quote);
    Send({{"text", claim.text}, {"quotes", std::move(marks)}, {"new_quotes", std::move(quotes)}},
         "claim");
  }

  void SendLast(const json::object& data, std::string_view name) {
    Send(data, name);
    exchange_->End();
  }

 private:
  void Send(const json::object& data, std::string_view name) {
    if (!std::exchange(begun_, true)) {
      exchange_->Begin(200, "text/event-stream", {{"Cache-Control", "no-cache"}});
    }
    if (!exchange_->Write(Event(data, name))) *gone_ = true;
  }

  std::shared_ptr<HttpExchange> exchange_;
  std::shared_ptr<std::atomic<bool>> gone_;
  bool begun_ = false;
  std::size_t quotes_sent_ = 0;
};

void RecordAnswer(Server& server, const Answer& answer) {
  Result<Ledger> ledger = Ledger::Open(server.options().ledger_file);
  const Result<void> recorded =
      ledger ? ledger->Record(answer, UnixSeconds()) : std::unexpected(ledger.error());
  if (!recorded) server.options().warn(fmt::format("the ledger: {}", recorded.error().message()));
}

struct AskFields {
  std::string question, library;
  AskMode mode = AskMode::kCite;
  bool stream = false;
  GenerationFields generation;
};

ApiResult<AskFields> ParseAsk(const json::object& body) {
  JsonFields fields(body);
  AskFields ask;
  ask.question = fields.RequiredText("question", 4096);
  ask.library = fields.Text("library").value_or("");
  const std::string mode = fields.Word("mode", {"cite", "quote"}).value_or("cite");
  ask.mode = mode == "quote" ? AskMode::kQuote : AskMode::kCite;
  ask.stream = fields.Flag("stream").value_or(false);
  fields.Ignore({"model"});
  ReadOwnFields(fields, ask.generation);
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  return ask;
}

// Asks, and answers the client.
void AskAndReply(Server& server, const Call& call, const AskFields& ask, LanguageModel* model,
                 const AskOptions& options) {
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  call.exchange->OnGone([gone] { *gone = true; });
  AskEvents events;
  events.cancelled = [gone] { return gone->load(); };
  Result<BorrowedLibrary> library = server.libraries().Borrow(ask.library);
  if (!library) return ReplyError(call, Of(library.error()));
  AskStream stream(call.exchange, gone);
  if (ask.stream) {
    events.on_claim = [&stream](const Claim& claim, const Answer& so_far) {
      stream.SendClaim(claim, so_far);
    };
  }
  const Result<Answer> answer = Ask(ask.question, library->retriever(), model, options, events);
  if (!answer) {
    const ApiError error = Of(answer.error());
    if (!stream.begun()) return ReplyError(call, error);
    return stream.SendLast(ToJson(error, Dialect::kOpenAi), "error");
  }
  // On the disk before the client has it: what was answered is accounted for.
  RecordAnswer(server, *answer);
  const auto& abstained = answer->abstained;
  server.metrics().CountAsk(abstained ? Name(*abstained) : "answered",
                            answer->ledger.first_byte_ms);
  if (!ask.stream) {
    Reply(call, ToJson(*answer));
  } else {
    stream.SendLast(ToJson(*answer), "answer");
  }
}

}  // namespace

void HandleAsk(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  const ApiResult<AskFields> ask = ParseAsk(*body);
  if (!ask) return ReplyError(call, ask.error());
  const Result<const ShelvedLibrary*> library = server.libraries().Find(ask->library);
  if (!library) return ReplyError(call, Of(library.error()));
  AskOptions options{.mode = ask->mode,
                     .library_name = (*library)->name,
                     .terms = TermsOf(server, call, ask->generation),
                     .currency = server.options().currency,
                     .electricity_per_kwh = server.options().electricity_per_kwh,
                     .machine_per_hour = server.options().machine_per_hour};
  // What was computed of a library's documents is shared by those who may read it.
  options.terms.scope = "library " + (*library)->name;
  if (ask->mode == AskMode::kQuote) {
    AskAndReply(server, call, *ask, nullptr, options);
    return;
  }
  const ApiResult<ModelLease> lease = AcquireWriter(server, *body);
  if (!lease) return ReplyError(call, lease.error());
  options.model_name = (*lease)->name();
  AskAndReply(server, call, *ask, (*lease)->engine(), options);
}

void HandleSearch(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  const std::string query = fields.RequiredText("query", 4096);
  const std::string name = fields.Text("library").value_or("");
  const auto limit = static_cast<int>(fields.Whole("limit", 1, 100).value_or(10));
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  Result<BorrowedLibrary> library = server.libraries().Borrow(name);
  if (!library) return ReplyError(call, Of(library.error()));
  const double start_ms = MonotonicMs();
  const Result<std::vector<Passage>> found = library->retriever().Search(query, limit);
  if (!found) return ReplyError(call, Of(found.error()));
  json::array passages;
  for (const Passage& passage : *found) passages.push_back(ToJson(passage));
  Reply(call,
        {{"query", query}, {"passages", std::move(passages)}, {"ms", MonotonicMs() - start_ms}});
}

void HandleListLibraries(Server& server, const Call& call) {
  json::array libraries;
  for (const ShelvedLibrary& library : server.libraries().libraries()) {
    libraries.push_back(json::object{{"name", library.name}});
  }
  Reply(call, {{"libraries", std::move(libraries)}});
}

void HandleLedger(Server& server, const Call& call) {
  Result<Ledger> ledger = Ledger::Open(server.options().ledger_file);
  if (!ledger) return ReplyError(call, Of(ledger.error()));
  const auto entries = ledger->Latest(100);
  const auto totals = ledger->Totals();
  if (!entries) return ReplyError(call, Of(entries.error()));
  if (!totals) return ReplyError(call, Of(totals.error()));
  json::array rows;
  for (const LedgerEntry& entry : *entries) rows.push_back(ToJson(entry));
  Reply(call, {{"entries", std::move(rows)}, {"totals", ToJson(*totals)}});
}

}  // namespace kinglet
