// SPDX-License-Identifier: Apache-2.0
// The ledger over HTTP: what it holds, and what users think of their answers.
#include <charconv>
#include <span>
#include <utility>

#include "ledger/ledger_report.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr int kMostEntries = 1000;
constexpr std::size_t kMaxIntentBytes = 100;
constexpr std::size_t kMaxCommentBytes = 4096;

enum class Form : std::uint8_t { kJson, kCsv, kHtml };

// What of the ledger is asked for.
struct LedgerQuery {
  int limit = 100;
  std::span<const LedgerGroup> groups;
  Form form = Form::kJson;
};

std::unexpected<ApiError> Wrong(const char* name, const char* message) {
  return std::unexpected(ApiError::OfField({name, message}));
}

ApiResult<LedgerQuery> ReadQuery(const HttpRequest& request) {
  LedgerQuery query;
  if (const auto limit = request.Query("limit")) {
    const std::string digits(*limit);
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, query.limit);
    if (error != std::errc() || stop != end || query.limit < 1 || query.limit > kMostEntries) {
      return Wrong("limit", "must be a whole number from 1 to 1000");
    }
  }
  const std::string form(request.Query("format").value_or("json"));
  if (form == "csv") {
    query.form = Form::kCsv;
  } else if (form == "html") {
    query.form = Form::kHtml;
    query.groups = kLedgerGroups;
  } else if (form != "json") {
    return Wrong("format", "must be json, csv or html");
  }
  if (const auto by = request.Query("by")) {
    const LedgerGroup* const group = FindLedgerGroup(*by);
    if (group == nullptr) return Wrong("by", "must be day, mode, model or intent");
    query.groups = {group, 1};
  }
  return query;
}

}  // namespace

// Read on a connection of its own: answers that are being written do not wait for it.
void HandleLedger(Server& server, const Call& call) {
  const ApiResult<LedgerQuery> query = ReadQuery(call.request);
  if (!query) return ReplyError(call, query.error());
  Result<Ledger> ledger = Ledger::Open(server.books().options().ledger);
  if (!ledger) return ReplyError(call, ApiError::OfStatus(ledger.error()));
  const auto report = MakeLedgerReport(*ledger, query->limit, query->groups);
  if (!report) return ReplyError(call, ApiError::OfStatus(report.error()));
  switch (query->form) {
    case Form::kJson:
      return Reply(call, ToJson(*report));
    case Form::kCsv:
      return call.exchange->Respond(
          {.content_type = "text/csv; charset=utf-8", .body = ToCsv(*report)});
    case Form::kHtml:
      return call.exchange->Respond({.headers = {{"Content-Security-Policy",
                                                  "default-src 'none'; style-src 'unsafe-inline'"}},
                                     .content_type = "text/html; charset=utf-8",
                                     .body = ToHtml(*report)});
  }
}

void HandleFeedback(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  LedgerFeedback feedback{.id = fields.RequiredText("id", 64)};
  // What is not there stays as it was; null takes it back.
  if (body->contains("useful")) feedback.useful = fields.Flag("useful");
  if (body->contains("intent")) feedback.intent = fields.Text("intent", kMaxIntentBytes);
  if (body->contains("comment")) feedback.comment = fields.Text("comment", kMaxCommentBytes);
  if (!feedback.useful && !feedback.intent && !feedback.comment) {
    fields.Fail("useful", "or intent or comment must be given");
  }
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const auto record = [&](Ledger& ledger) { return ledger.Record(feedback); };
  const Result<bool> recorded = server.books().WithLedger(record);
  if (!recorded) return ReplyError(call, ApiError::OfStatus(recorded.error()));
  if (!*recorded) return ReplyError(call, ApiError::NotFound("the ledger has no such answer"));
  Reply(call, {{"id", feedback.id}, {"recorded", true}});
}

}  // namespace kinglet
