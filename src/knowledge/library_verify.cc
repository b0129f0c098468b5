// SPDX-License-Identifier: Apache-2.0
// Whether the library is sound: the file, the digests, the chunks, the index.
#include "base/digest.h"
#include "base/display.h"
#include "knowledge/library.h"
#include "knowledge/library_state.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxProblems = 100;  // enough to know; a broken disk would give millions

void AddProblem(VerifyReport& report, std::string problem) {
  if (report.problems.size() < kMaxProblems) report.problems.push_back(std::move(problem));
}

Result<void> VerifyFile(Database& database, VerifyReport& report) {
  Statement check = TRY(database.Prepare("PRAGMA integrity_check(100)"));
  while (TRY(check.Step())) {
    if (check.Text(0) != "ok") AddProblem(report, EscapeForDisplay(check.Text(0)));
  }
  Statement orphans = TRY(database.Prepare("PRAGMA foreign_key_check"));
  while (TRY(orphans.Step())) {
    AddProblem(report, fmt::format("chunk {}: its document is missing", orphans.Int(1)));
  }
  return {};
}

Result<void> VerifyChunks(Database& database, std::int64_t document_id, std::string_view uri,
                          std::string_view text, VerifyReport& report) {
  Statement chunk = TRY(
      database.Prepare("SELECT id, start_byte, end_byte, text FROM chunks WHERE document_id = ?1 "
                       "ORDER BY start_byte"));
  chunk.Bind(1, document_id);
  std::int64_t previous_end = 0;
  while (TRY(chunk.Step())) {
    ++report.chunks;
    const std::int64_t begin = chunk.Int(1);
    const std::int64_t end = chunk.Int(2);
    const bool in_text =
        begin >= previous_end && begin < end && end <= static_cast<std::int64_t>(text.size()) &&
        text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)) ==
            chunk.Text(3);
    if (!in_text) {
      AddProblem(report, fmt::format("{}: chunk {} is not bytes {} to {} of the text",
                                     EscapeForDisplay(uri), chunk.Int(0), begin, end));
    }
    previous_end = end;
  }
  return {};
}

Result<void> VerifyPages(Database& database, std::int64_t document_id, std::string_view uri,
                         std::string_view text, VerifyReport& report) {
  Statement page = TRY(
      database.Prepare("SELECT page, start_byte FROM pages WHERE document_id = ?1 ORDER BY page"));
  page.Bind(1, document_id);
  std::int64_t number = 0;
  std::int64_t start_byte = 0;
  while (TRY(page.Step())) {
    const bool in_order = page.Int(0) == ++number && page.Int(1) >= start_byte &&
                          page.Int(1) <= static_cast<std::int64_t>(text.size());
    start_byte = page.Int(1);
    if (in_order) continue;
    AddProblem(report, fmt::format("{}: page {} is out of order", EscapeForDisplay(uri), number));
    break;
  }
  return {};
}

Result<void> VerifyLines(Database& database, std::int64_t document_id, std::string_view uri,
                         std::string_view text, VerifyReport& report) {
  Statement row =
      TRY(database.Prepare("SELECT start_byte, line, counts FROM lines WHERE document_id = ?1 "
                           "ORDER BY start_byte"));
  row.Bind(1, document_id);
  std::vector<LineMark> marks;
  bool are_numbers = true;
  while (TRY(row.Step())) {
    are_numbers = are_numbers && row.Int(0) >= 0 && row.Int(1) > 0;
    marks.push_back(ReadLineMark(row));
  }
  if (!are_numbers || !AreLineMarks(marks, text.size())) {
    AddProblem(report, EscapeForDisplay(uri) + ": its lines are out of order");
  }
  return {};
}

Result<void> VerifyDocuments(Database& database, VerifyReport& report) {
  Statement row =
      TRY(database.Prepare("SELECT id, uri, text_digest, text_bytes, text FROM documents"));
  while (TRY(row.Step())) {
    ++report.documents;
    const std::string_view uri = row.Text(1);
    const std::string_view text = row.Text(4);
    if (Sha256::HexOf(text) != row.Text(2) ||
        row.Int(3) != static_cast<std::int64_t>(text.size())) {
      AddProblem(report, EscapeForDisplay(uri) + ": its text does not have the stored digest");
    }
    if (!IsUtf8(text)) AddProblem(report, EscapeForDisplay(uri) + ": its text is not UTF-8");
    TRY(VerifyChunks(database, row.Int(0), uri, text, report));
    TRY(VerifyPages(database, row.Int(0), uri, text, report));
    TRY(VerifyLines(database, row.Int(0), uri, text, report));
  }
  return {};
}

// rank 1 makes FTS5 compare the index with the chunks, not only with itself.
void VerifyIndex(Database& database, VerifyReport& report) {
  const Result<void> check =
      database.Execute("INSERT INTO chunk_index(chunk_index, rank) VALUES('integrity-check', 1)");
  if (!check) AddProblem(report, "full-text index: " + check.error().message());
}

}  // namespace

Result<VerifyReport> Library::Verify() {
  Database& database = state_->database;
  VerifyReport report;
  // One snapshot, which no writer changes meanwhile.
  TRY(database.Execute("BEGIN IMMEDIATE"));
  Result<void> result = VerifyFile(database, report);
  if (result) result = VerifyDocuments(database, report);
  if (result) VerifyIndex(database, report);
  (void)database.Execute("ROLLBACK");  // nothing was changed
  if (!result && result.error().code() != StatusCode::kInvalidInput) {
    return std::unexpected(result.error());
  }
  if (!result) AddProblem(report, result.error().message());  // a page that cannot be read
  return report;
}

}  // namespace kinglet
