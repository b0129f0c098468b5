// SPDX-License-Identifier: Apache-2.0
// What the sources of class Library share: the connection, the lock, transactions.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/sqlite.h"
#include "knowledge/library.h"

namespace kinglet {

// signature is 128 numbers of 32 bits, of this machine's order; null: the text is too short.
inline constexpr std::string_view kQualityTables = R"(
CREATE TABLE document_quality(
  document_id INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
  language TEXT NOT NULL,
  model_instructions INTEGER NOT NULL,
  dropped_bytes INTEGER,
  signature BLOB,
  policy TEXT NOT NULL
) STRICT;
CREATE TABLE personal_data(
  document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(document_id, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE ingest_problems(
  uri TEXT PRIMARY KEY,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX documents_by_text ON documents(text_digest);
)";

// The lock file of the one writer, open and locked; the kernel lets go when the process ends.
class WriterLock {
 public:
  WriterLock() = default;
  explicit WriterLock(int fd) : fd_(fd) {}
  WriterLock(WriterLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  WriterLock& operator=(WriterLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~WriterLock() {
    if (fd_ >= 0) close(fd_);
  }

 private:
  int fd_ = -1;
};

// Ends in COMMIT, or leaves nothing behind.
template <typename Change>
Result<void> InTransaction(Database& database, const Change& change) {
  TRY(database.Execute("BEGIN IMMEDIATE"));
  Result<void> result = change();
  if (result) result = database.Execute("COMMIT");
  if (!result) (void)database.Execute("ROLLBACK");  // the first trouble is the one to tell
  return result;
}

// Marks of a document's lines from the last one at or before byte ?2 on, before byte ?3.
inline constexpr std::string_view kLinesUntil =
    "SELECT start_byte, line, counts FROM lines WHERE document_id = ?1 AND start_byte < ?3 AND "
    "start_byte >= coalesce((SELECT max(start_byte) FROM lines WHERE document_id = ?1 AND "
    "start_byte <= ?2), 0) ORDER BY start_byte";

inline LineMark ReadLineMark(const Statement& row) {
  return {static_cast<std::size_t>(row.Int(0)), static_cast<std::size_t>(row.Int(1)),
          row.Int(2) != 0};
}

// What is settled for the library, its value in column 0; unset where nothing is.
Result<std::optional<Statement>> FindSetting(Database& database, std::string_view name);
// Settles it; the value is parameter 2.
Result<Statement> PrepareSetting(Database& database, std::string_view name);

// Vectors come or go in this transaction: whoever keeps them in memory looks again.
Result<void> NoteVectorChange(Database& database);

struct Library::State {
  std::filesystem::path folder;
  LibraryLimits limits;
  WriterLock lock;
  Database database;
  bool has_removed = false;  // since the last Purge
};

// Part of Put's transaction.
Result<void> InsertQuality(Database& database, std::int64_t document_id,
                           const DocumentQuality& quality);

}  // namespace kinglet
