// SPDX-License-Identifier: Apache-2.0
// The routes of Kinglet's own: questions to a library, its documents, the ledger.
#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <utility>

#include "answer/answerer.h"
#include "answer/ledger.h"
#include "base/byte_range.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/utf8.h"
#include "knowledge/document_reader.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxNameBytes = 512;
constexpr std::int64_t kMaxTextBytes = std::int64_t{4} << 20;  // in one answer

json::object DocumentJson(const DocumentRecord& record) {
  return {{"uri", record.source.uri},
          {"title", record.title},
          {"media_type", record.source.media_type},
          {"digest", record.source.digest},
          {"size_bytes", record.source.size_bytes},
          {"text_bytes", record.text_bytes},
          {"chunks", record.chunk_count},
          {"ingested_at", Iso8601(record.ingested_at)}};
}

ApiError Of(const Status& status) { return ApiError::OfStatus(status); }

// A limit that a document meets is no reason to try again later.
ApiError OfDocument(const Status& status) {
  ApiError error = Of(status);
  if (error.status == 429) {
    error.status = 413;
    error.code = "document_too_large";
  }
  return error;
}

// The record that was found, or an error with the text for none.
ApiResult<DocumentRecord> RecordOf(Result<std::optional<DocumentRecord>> found,
                                   std::string_view none) {
  if (!found) return std::unexpected(Of(found.error()));
  std::optional<DocumentRecord> record = *std::move(found);
  if (!record) return std::unexpected(ApiError::NotFound(std::string(none)));
  return *std::move(record);
}

std::string_view LibraryOf(const Call& call) { return call.request.Query("library").value_or(""); }

ApiResult<std::int64_t> ByteOf(const Call& call, const char* name, std::int64_t otherwise) {
  const auto given = call.request.Query(name);
  if (!given) return otherwise;
  std::int64_t byte = 0;
  const char* const end = std::to_address(given->end());
  const auto read = std::from_chars(std::to_address(given->begin()), end, byte);
  if (read.ec == std::errc() && read.ptr == end && byte >= 0) return byte;
  return std::unexpected(ApiError::OfField({name, "must be a number of bytes, from 0 on"}));
}

// The text without the parts of characters that a cut at any byte leaves at its ends.
ByteRange WholeCharacters(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size() && IsUtf8Continuation(text[begin])) ++begin;
  return {begin, begin + ValidUtf8Prefix(text.substr(begin))};
}

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

void HandleListDocuments(Server& server, const Call& call) {
  Result<BorrowedLibrary> library = server.libraries().Borrow(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const Result<std::vector<DocumentRecord>> records = (*library)->ListDocuments();
  if (!records) return ReplyError(call, Of(records.error()));
  json::array documents;
  for (const DocumentRecord& record : *records) documents.push_back(DocumentJson(record));
  Reply(call, {{"library", library->which().name}, {"documents", std::move(documents)}});
}

// The body is the document; its name, which tells its format, stands in the query.
void HandleAddDocument(Server& server, const Call& call) {
  const std::string name(call.request.Query("name").value_or(""));
  if (name.empty() || name.size() > kMaxNameBytes || EscapeForDisplay(name) != name) {
    return ReplyError(call, ApiError::OfField({"name",
                                               "must be in the query: a file's name without "
                                               "control characters"}));
  }
  const std::string& bytes = call.request.body;
  const Format* const format = FindFormat(name, bytes, UnknownSuffix::kReadAsText);
  if (format == nullptr) {
    return ReplyError(call, {415, "unsupported_document", "this is no document that can be read"});
  }
  const Result<Document> document = ReadDocument(name, bytes, *format);
  if (!document) return ReplyError(call, OfDocument(document.error()));
  Result<LibraryWriter> library = server.libraries().OpenForWriting(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const DocumentSource source{.uri = "upload:" + name,
                              .media_type = std::string(format->media_type),
                              .digest = Sha256::HexOf(bytes),
                              .size_bytes = static_cast<std::int64_t>(bytes.size())};
  const Result<void> put = (*library)->Put(source, *document, UnixSeconds());
  if (!put) return ReplyError(call, OfDocument(put.error()));
  const Result<void> embedded = library->Embed();
  if (!embedded) return ReplyError(call, Of(embedded.error()));
  const ApiResult<DocumentRecord> record =
      RecordOf((*library)->FindDocument(source.uri), "the document is gone");
  if (!record) return ReplyError(call, record.error());
  Reply(call, DocumentJson(*record), 201);
}

void HandleRemoveDocument(Server& server, const Call& call) {
  const auto uri = call.request.Query("uri");
  if (!uri) return ReplyError(call, ApiError::OfField({"uri", "is required in the query"}));
  Result<LibraryWriter> library = server.libraries().OpenForWriting(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const Result<void> removed = (*library)->Remove(*uri);
  if (!removed) return ReplyError(call, Of(removed.error()));
  const Result<void> purged = (*library)->Purge();
  if (!purged) return ReplyError(call, Of(purged.error()));
  // Keys and values of its text, too.
  const auto which = server.libraries().Find(LibraryOf(call));
  if (which) server.models().DropScope("library " + (*which)->name);
  Reply(call, {{"uri", *uri}, {"removed", true}});
}

// All of it, or the bytes that the query names, as far as one answer holds them.
void HandleDocumentText(Server& server, const Call& call) {
  const auto uri = call.request.Query("uri");
  if (!uri) return ReplyError(call, ApiError::OfField({"uri", "is required in the query"}));
  const auto start = ByteOf(call, "start_byte", 0);
  const auto end = ByteOf(call, "end_byte", std::numeric_limits<std::int64_t>::max());
  if (!start) return ReplyError(call, start.error());
  if (!end) return ReplyError(call, end.error());
  Result<BorrowedLibrary> library = server.libraries().Borrow(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const ApiResult<DocumentRecord> record =
      RecordOf((*library)->FindDocument(*uri), "there is no such document");
  if (!record) return ReplyError(call, record.error());
  const std::int64_t all = record->text_bytes;
  const std::int64_t first = std::min(*start, all);
  const std::int64_t last = std::clamp(*end, first, std::min(all, first + kMaxTextBytes));
  const Result<std::string> text = (*library)->Text(*uri, first, last);
  if (!text) return ReplyError(call, Of(text.error()));
  const ByteRange whole = WholeCharacters(*text);
  json::object shown = DocumentJson(*record);
  shown["start_byte"] = first + static_cast<std::int64_t>(whole.begin);
  shown["end_byte"] = first + static_cast<std::int64_t>(whole.end);
  shown["text"] = whole.Of(*text);
  Reply(call, shown);
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
