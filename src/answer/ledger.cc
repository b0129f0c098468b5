// SPDX-License-Identifier: Apache-2.0
// The ledger in SQLite: one table, one row a question.
#include "answer/ledger.h"

namespace kinglet {
namespace {

constexpr int kSchemaVersion = 1;

constexpr const char* kSchema = R"sql(
  CREATE TABLE IF NOT EXISTS questions (
    id INTEGER PRIMARY KEY,
    asked_at INTEGER NOT NULL,       -- Unix seconds
    question TEXT NOT NULL,
    mode TEXT NOT NULL,
    model TEXT NOT NULL,
    abstained TEXT,                  -- reason
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    useful_tokens INTEGER NOT NULL,
    first_byte_ms REAL NOT NULL,
    total_ms REAL NOT NULL,
    retrieval_ms REAL NOT NULL,
    prefill_ms REAL NOT NULL,
    decode_ms REAL NOT NULL,
    joules REAL,
    joules_source TEXT,
    cost REAL,
    currency TEXT NOT NULL
  ) STRICT;
)sql";

Result<std::int64_t> UserVersion(Database& database) {
  Statement statement = TRY(database.Prepare("PRAGMA user_version"));
  (void)TRY(statement.Step());
  return statement.Int(0);
}

std::optional<double> OptionalDouble(const Statement& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return row.Double(column);
}

std::optional<std::string> OptionalText(const Statement& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return std::string(row.Text(column));
}

}  // namespace

Result<Ledger> Ledger::Open(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) {
    return Error(StatusCode::kFailed, "{}: cannot make the folder: {}", file.parent_path().string(),
                 error.message());
  }
  Database database = TRY(Database::Open(file, /*create=*/true));
  const auto version = UserVersion(database);
  if (!version) return std::unexpected(version.error().WithContext(file.string()));
  if (*version > kSchemaVersion) {
    return Error(StatusCode::kInvalidInput,
                 "{}: made by a newer kinglet (version {} of the ledger)", file.string(), *version);
  }
  TRY(database.Execute("PRAGMA journal_mode = WAL"));
  TRY(database.Execute(kSchema));
  TRY(database.Execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion)));
  return Ledger(std::move(database));
}

Result<void> Ledger::Record(const Answer& answer, std::int64_t unix_seconds) {
  Statement insert = TRY(database_.Prepare(
      "INSERT INTO questions (asked_at, question, mode, model, abstained, prompt_tokens,"
      " cached_tokens, completion_tokens, useful_tokens, first_byte_ms, total_ms, retrieval_ms,"
      " prefill_ms, decode_ms, joules, joules_source, cost, currency)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  const LedgerLine& line = answer.ledger;
  insert.Bind(1, unix_seconds).Bind(2, std::string_view(answer.question));
  insert.Bind(3, std::string_view(Name(answer.mode))).Bind(4, std::string_view(answer.model));
  if (answer.abstained) {
    insert.Bind(5, std::string_view(Name(*answer.abstained)));
  } else {
    insert.Bind(5, std::nullopt);
  }
  insert.Bind(6, std::int64_t{line.prompt_tokens}).Bind(7, std::int64_t{line.cached_tokens});
  insert.Bind(8, std::int64_t{line.completion_tokens}).Bind(9, std::int64_t{line.useful_tokens});
  insert.Bind(10, line.first_byte_ms).Bind(11, line.total_ms).Bind(12, line.retrieval_ms);
  insert.Bind(13, line.prefill_ms).Bind(14, line.decode_ms).Bind(15, line.joules);
  insert.Bind(16, line.joules_source).Bind(17, line.cost);
  insert.Bind(18, std::string_view(line.currency));
  return insert.Run();
}

Result<std::vector<LedgerEntry>> Ledger::Latest(int limit) {
  Statement select = TRY(database_.Prepare(
      "SELECT asked_at, question, mode, model, abstained, prompt_tokens, cached_tokens,"
      " completion_tokens, useful_tokens, first_byte_ms, total_ms, retrieval_ms, prefill_ms,"
      " decode_ms, joules, joules_source, cost, currency"
      " FROM questions ORDER BY id DESC LIMIT ?"));
  select.Bind(1, std::int64_t{limit});
  std::vector<LedgerEntry> entries;
  while (TRY(select.Step())) {
    LedgerEntry entry{.unix_seconds = select.Int(0),
                      .question = std::string(select.Text(1)),
                      .mode = std::string(select.Text(2)),
                      .model = std::string(select.Text(3)),
                      .abstained = OptionalText(select, 4)};
    LedgerLine& line = entry.line;
    line.prompt_tokens = static_cast<int>(select.Int(5));
    line.cached_tokens = static_cast<int>(select.Int(6));
    line.completion_tokens = static_cast<int>(select.Int(7));
    line.useful_tokens = static_cast<int>(select.Int(8));
    line.first_byte_ms = select.Double(9);
    line.total_ms = select.Double(10);
    line.retrieval_ms = select.Double(11);
    line.prefill_ms = select.Double(12);
    line.decode_ms = select.Double(13);
    line.joules = OptionalDouble(select, 14);
    line.joules_source = OptionalText(select, 15);
    line.cost = OptionalDouble(select, 16);
    line.currency = select.Text(17);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<LedgerTotals> Ledger::Totals() {
  Statement select = TRY(database_.Prepare(
      "SELECT count(*), count(abstained), total(prompt_tokens), total(cached_tokens),"
      " total(completion_tokens), total(useful_tokens), total(total_ms), sum(joules), sum(cost)"
      " FROM questions"));
  (void)TRY(select.Step());
  return LedgerTotals{.questions = select.Int(0),
                      .abstentions = select.Int(1),
                      .prompt_tokens = select.Int(2),
                      .cached_tokens = select.Int(3),
                      .completion_tokens = select.Int(4),
                      .useful_tokens = select.Int(5),
                      .total_ms = select.Double(6),
                      .joules = OptionalDouble(select, 7),
                      .cost = OptionalDouble(select, 8)};
}

json::object ToJson(const LedgerEntry& entry) {
  return {{"asked_at", entry.unix_seconds},
          {"question", entry.question},
          {"mode", entry.mode},
          {"model", entry.model.empty() ? json::value(nullptr) : json::value(entry.model)},
          {"abstained", entry.abstained ? json::value(*entry.abstained) : json::value(nullptr)},
          {"ledger", ToJson(entry.line)}};
}

json::object ToJson(const LedgerTotals& totals) {
  return {{"questions", totals.questions},
          {"abstentions", totals.abstentions},
          {"prompt_tokens", totals.prompt_tokens},
          {"cached_tokens", totals.cached_tokens},
          {"completion_tokens", totals.completion_tokens},
          {"useful_tokens", totals.useful_tokens},
          {"total_ms", totals.total_ms},
          {"joules", totals.joules ? json::value(*totals.joules) : json::value(nullptr)},
          {"cost", totals.cost ? json::value(*totals.cost) : json::value(nullptr)}};
}

}  // namespace kinglet
