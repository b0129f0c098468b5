// SPDX-License-Identifier: Apache-2.0
// PRAGMA user_version tells the versions apart: 1 had questions to libraries alone, 2 has answers
// of every kind, 3 those of cascades too.
#include "ledger/ledger_file.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "knowledge/personal_data.h"

namespace kinglet {
namespace {

constexpr int kSchemaVersion = 3;
constexpr std::size_t kMaxTextBytes = 16 << 10;

// docs/ledger.md has each column's meaning.
constexpr const char* kSchema = R"sql(
  CREATE TABLE answers (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    answered_at INTEGER NOT NULL,    -- Unix seconds
    kind TEXT NOT NULL,              -- which way it was asked
    mode TEXT NOT NULL,
    intent TEXT,
    model TEXT NOT NULL,             -- empty: none was asked
    model_digest TEXT,
    first_model TEXT,                -- of a cascade
    confidence REAL,                 -- of the first model's answer
    abstained TEXT,                  -- reason
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    useful_tokens INTEGER NOT NULL,
    first_byte_ms REAL NOT NULL,
    total_ms REAL NOT NULL,
    queue_ms REAL NOT NULL,
    retrieval_ms REAL NOT NULL,
    prefill_ms REAL NOT NULL,
    decode_ms REAL NOT NULL,
    machine_ms REAL NOT NULL,
    joules REAL,
    joules_source TEXT,
    cost REAL,
    currency TEXT NOT NULL,
    kept INTEGER,
    valid INTEGER,
    in_budget INTEGER,
    delivered INTEGER NOT NULL,
    thumb INTEGER,                   -- the user's
    corrected_intent TEXT,
    comment TEXT,
    question TEXT,
    answer TEXT
  ) STRICT;
  CREATE INDEX answers_by_time ON answers (answered_at);
)sql";

// What version 1 did not know it left out: nothing waited, and the machine worked for one alone.
constexpr const char* kFromVersion1 = R"sql(
  INSERT INTO answers (number, id, answered_at, kind, mode, model, abstained, prompt_tokens,
      cached_tokens, completion_tokens, useful_tokens, first_byte_ms, total_ms, queue_ms,
      retrieval_ms, prefill_ms, decode_ms, machine_ms, joules, joules_source, cost, currency, kept,
      delivered, question)
    SELECT id, lower(hex(randomblob(8))), asked_at, 'ask', mode, model, abstained, prompt_tokens,
      cached_tokens, completion_tokens, useful_tokens, first_byte_ms, total_ms, 0, retrieval_ms,
      prefill_ms, decode_ms, total_ms, joules, joules_source, cost, currency, abstained IS NULL, 1,
      question
    FROM questions;
  DROP TABLE questions;
)sql";

constexpr const char* kFromVersion2 = R"sql(
  ALTER TABLE answers ADD COLUMN first_model TEXT;
  ALTER TABLE answers ADD COLUMN confidence REAL;
)sql";

Result<std::int64_t> UserVersion(Database& database) {
  Statement statement = TRY(database.Prepare("PRAGMA user_version"));
  (void)TRY(statement.Step());
  return statement.Int(0);
}

Result<void> MaskQuestions(Database& database) {
  Statement select = TRY(database.Prepare("SELECT number, question FROM answers"));
  Statement update = TRY(database.Prepare("UPDATE answers SET question = ? WHERE number = ?"));
  while (TRY(select.Step())) {
    update.Bind(1, std::string_view(KeptText(select.Text(1)))).Bind(2, select.Int(0));
    TRY(update.Run());
  }
  return {};
}

Result<void> BringToThisVersion(Database& database, bool keep_text) {
  TRY(database.Execute("BEGIN IMMEDIATE"));
  // Another process may have been faster.
  const std::int64_t version = TRY(UserVersion(database));
  if (version < 2) TRY(database.Execute(kSchema));
  if (version == 2) TRY(database.Execute(kFromVersion2));
  if (version == 1) {
    TRY(database.Execute(kFromVersion1));
    if (keep_text) {
      TRY(MaskQuestions(database));
    } else {
      TRY(database.Execute("UPDATE answers SET question = NULL"));
    }
  }
  TRY(database.Execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion)));
  return database.Execute("COMMIT");
}

Result<void> Prepare(Database& database, bool keep_text) {
  const std::int64_t version = TRY(UserVersion(database));
  if (version > kSchemaVersion) {
    return Error(StatusCode::kInvalidInput, "made by a newer kinglet (version {} of the ledger)",
                 version);
  }
  // What is deleted is overwritten. A commit is written, not synced: it outlives this process,
  // however it ends; a machine that loses power may lose the last ones, and is left a sound file.
  TRY(
      database.Execute("PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL;"
                       "PRAGMA synchronous = NORMAL"));
  if (version == kSchemaVersion) return {};
  TRY(BringToThisVersion(database, keep_text));
  // The pages of before, in the log and at the file's end.
  return database.Execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace

std::string KeptText(std::string_view text) {
  constexpr std::size_t kBeyond = 512;  // what is cut in two is found as a whole, and left out
  text = Utf8Beginning(text, kMaxTextBytes + kBeyond);
  std::vector<PersonalData> found = FindPersonalData(text);
  text = Utf8Beginning(text, kMaxTextBytes);
  for (const PersonalData& one : found) {
    if (one.range.end > text.size()) text = text.substr(0, std::min(text.size(), one.range.begin));
  }
  std::erase_if(found, [&](const PersonalData& one) { return one.range.end > text.size(); });
  return MaskPersonalData(text, found);
}

Result<Database> OpenLedgerFile(const std::filesystem::path& file, bool keep_text) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) {
    return Error(StatusCode::kFailed, "{}: cannot make the folder: {}", file.parent_path().string(),
                 error.message());
  }
  const bool is_new = !std::filesystem::exists(file, error);
  Database database = TRY(Database::Open(file, /*create=*/true));
  // What people asked is their own.
  using std::filesystem::perms;
  if (is_new) std::filesystem::permissions(file, perms::owner_read | perms::owner_write, error);
  const Result<void> prepared = Prepare(database, keep_text);
  if (!prepared) return std::unexpected(prepared.error().WithContext(file.string()));
  return database;
}

}  // namespace kinglet
