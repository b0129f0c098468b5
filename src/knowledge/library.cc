// SPDX-License-Identifier: Apache-2.0
// Schema, opening, and every change of the library.
#include "knowledge/library.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <span>

#include <sys/file.h>

#include "base/digest.h"
#include "knowledge/chunker.h"
#include "knowledge/fts_tokenizer.h"
#include "knowledge/library_state.h"
#include "knowledge/word_rank.h"

namespace kinglet {
namespace {

// "KNGL"; tells our files from others that SQLite can read.
constexpr std::int64_t kApplicationId = 0x4B4E474C;
// Raised with every change of the tables or of what StemWords makes of a text.
constexpr std::int64_t kSchemaVersion = 6;

// The kept text comes last in its row, so that lists of documents do not read through it. Chunks
// hold their text again: the index needs it alone, without a walk through a long document.
constexpr std::string_view kSchema = R"(
CREATE TABLE documents(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uri TEXT NOT NULL UNIQUE,
  media_type TEXT NOT NULL,
  title TEXT NOT NULL,
  digest TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL,
  ingested_at INTEGER NOT NULL,
  text_digest TEXT NOT NULL,
  text_bytes INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE chunks(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL REFERENCES documents(id),
  start_byte INTEGER NOT NULL,
  end_byte INTEGER NOT NULL,
  heading TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX chunks_of_document ON chunks(document_id, start_byte);
CREATE VIEW indexed_chunks AS
  SELECT chunks.id AS id, documents.title AS title, chunks.heading AS heading, chunks.text AS text,
         document_id
  FROM chunks JOIN documents ON documents.id = document_id;
CREATE VIRTUAL TABLE chunk_index USING fts5(title, heading, text, content='indexed_chunks',
  content_rowid='id', tokenize='kinglet_words');
)";

// What each version has beyond the one before it, from version 2 on.
constexpr std::string_view kUpgrades[] = {
    // 2: where the pages of a document begin in its text, numbered from 1; and the way from bytes
    // to the documents that have them.
    R"(CREATE TABLE pages(
         document_id INTEGER NOT NULL REFERENCES documents(id),
         page INTEGER NOT NULL,
         start_byte INTEGER NOT NULL,
         PRIMARY KEY(document_id, page)
       ) STRICT, WITHOUT ROWID;
       CREATE INDEX documents_by_digest ON documents(digest);)",
    // 3: vectors of chunks and of their sentences, apart since only the first are read as a whole;
    // and what is settled for a library.
    R"(CREATE TABLE vectors(
         chunk_id INTEGER PRIMARY KEY REFERENCES chunks(id),
         vector BLOB NOT NULL
       ) STRICT;
       CREATE TABLE sentence_vectors(
         chunk_id INTEGER PRIMARY KEY REFERENCES chunks(id),
         vectors BLOB NOT NULL
       ) STRICT;
       CREATE TABLE settings(
         name TEXT PRIMARY KEY,
         value ANY NOT NULL
       ) STRICT, WITHOUT ROWID;)",
    // 4: what is noted of documents beside their text (document_quality.h, library_quality.cc).
    kQualityTables,
    // 5: archives that were read whole, to tell whether they have changed.
    R"(CREATE TABLE archives(
         uri TEXT PRIMARY KEY,
         size_bytes INTEGER NOT NULL,
         modified_ns INTEGER NOT NULL,
         selection TEXT NOT NULL
       ) STRICT, WITHOUT ROWID;)",
    // 6: which lines of the original bytes of the text come from (line_marks.h).
    R"(CREATE TABLE lines(
         document_id INTEGER NOT NULL REFERENCES documents(id),
         start_byte INTEGER NOT NULL,
         line INTEGER NOT NULL,
         counts INTEGER NOT NULL,
         PRIMARY KEY(document_id, start_byte)
       ) STRICT, WITHOUT ROWID;)",
};
static_assert(std::size(kUpgrades) == kSchemaVersion - 1);

Result<std::int64_t> ReadPragma(Database& database, std::string_view name) {
  Statement statement = TRY(database.Prepare(fmt::format("PRAGMA {}", name)));
  (void)TRY(statement.Step());
  return statement.Int(0);
}

// The tables of a library that has those of `version`; 0: none.
Result<void> MakeSchema(Database& database, std::int64_t version) {
  std::string sql = "BEGIN IMMEDIATE; ";
  if (version == 0) sql += fmt::format("{} PRAGMA application_id={};", kSchema, kApplicationId);
  const std::span upgrades(kUpgrades);
  for (const auto upgrade :
       upgrades.subspan(version == 0 ? 0 : static_cast<std::size_t>(version) - 1)) {
    sql += upgrade;
  }
  return database.Execute(fmt::format("{} PRAGMA user_version={}; COMMIT", sql, kSchemaVersion));
}

Result<bool> IsOfOlderVersion(Database& database) {
  const std::int64_t version = TRY(ReadPragma(database, "user_version"));
  return TRY(ReadPragma(database, "application_id")) == kApplicationId && version > 0 &&
         version < kSchemaVersion;
}

Result<void> CheckVersion(Database& database, const std::filesystem::path& file, LibraryMode mode) {
  const std::int64_t version = TRY(ReadPragma(database, "user_version"));
  const std::int64_t application_id = TRY(ReadPragma(database, "application_id"));
  const std::int64_t objects = TRY(ReadPragma(database, "schema_version"));
  if (version == 0 && application_id == 0 && objects == 0) {
    // New, or its maker was killed before the first commit.
    if (mode == LibraryMode::kWrite) return MakeSchema(database, version);
    return Error(StatusCode::kNotFound, "{}: the library is empty; kinglet ingest fills it",
                 file.string());
  }
  if (application_id != kApplicationId) {
    return Error(StatusCode::kInvalidInput, "{}: an SQLite file, but no library of kinglet's",
                 file.string());
  }
  if (version > 0 && version < kSchemaVersion && mode == LibraryMode::kWrite) {
    return MakeSchema(database, version);
  }
  if (version != kSchemaVersion) {
    return Error(StatusCode::kInvalidInput,
                 "{}: a library of version {}, and this kinglet knows version {}: ingest into a "
                 "new folder, or use the kinglet that made it",
                 file.string(), version, kSchemaVersion);
  }
  return {};
}

Result<WriterLock> LockForWriting(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "lock";
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Error(StatusCode::kFailed, "{}: cannot open it: {}", file.string(),
                 std::strerror(errno));
  }
  WriterLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) {
    return Error(StatusCode::kFailed, "{}: cannot lock it: {}", file.string(),
                 std::strerror(errno));
  }
  return Error(StatusCode::kBusy,
               "{}: another kinglet is writing this library; try again when it is done",
               folder.string());
}

constexpr std::string_view kRecordColumns =
    "uri, media_type, digest, size_bytes, modified_ns, title, text_bytes, text_digest, "
    "(SELECT count(*) FROM chunks WHERE document_id = documents.id), ingested_at";

DocumentRecord ReadRecord(const Statement& row) {
  DocumentRecord record;
  record.source.uri = row.Text(0);
  record.source.media_type = row.Text(1);
  record.source.digest = row.Text(2);
  record.source.size_bytes = row.Int(3);
  record.source.modified_ns = row.Int(4);
  record.title = row.Text(5);
  record.text_bytes = row.Int(6);
  record.text_digest = row.Text(7);
  record.chunk_count = row.Int(8);
  record.ingested_at = row.Int(9);
  return record;
}

Result<std::vector<DocumentRecord>> ReadRecords(Statement& row) {
  std::vector<DocumentRecord> records;
  while (TRY(row.Step())) records.push_back(ReadRecord(row));
  return records;
}

std::unexpected<Status> NoDocument(std::string_view uri) {
  return Error(StatusCode::kNotFound, "{}: not in the library; kinglet library list shows what is",
               uri);
}

Result<std::optional<std::int64_t>> FindId(Database& database, std::string_view uri) {
  Statement statement = TRY(database.Prepare("SELECT id FROM documents WHERE uri = ?1"));
  if (!TRY(statement.Bind(1, uri).Step())) return std::nullopt;
  return statement.Int(0);
}

// Runs a statement whose one parameter is the id of a document.
Result<void> RunFor(Database& database, std::string_view sql, std::int64_t document_id) {
  Statement statement = TRY(database.Prepare(sql));
  return statement.Bind(1, document_id).Run();
}

// An archive that lacks one of its documents is to be read again, even if it has not changed.
constexpr const char* kForgetArchive =
    "DELETE FROM archives WHERE EXISTS(SELECT 1 FROM documents WHERE documents.id = ?1 AND "
    "substr(documents.uri, 1, length(archives.uri) + 2) = archives.uri || '!/')";

// The index of FTS5 forgets a row only if it is told what the row held.
constexpr const char* kForgetWords =
    "INSERT INTO chunk_index(chunk_index, rowid, title, heading, text) "
    "SELECT 'delete', id, title, heading, text FROM indexed_chunks WHERE document_id = ?1";

constexpr const char* kForgetSentences =
    "DELETE FROM sentence_vectors WHERE chunk_id IN "
    "(SELECT id FROM chunks WHERE document_id = ?1)";

Result<void> DeleteDocument(Database& database, std::int64_t id) {
  for (const std::string_view sql :
       {kForgetArchive, kForgetWords,
        "DELETE FROM vectors WHERE chunk_id IN (SELECT id FROM chunks WHERE document_id = ?1)",
        kForgetSentences, "DELETE FROM chunks WHERE document_id = ?1",
        "DELETE FROM pages WHERE document_id = ?1", "DELETE FROM lines WHERE document_id = ?1",
        "DELETE FROM documents WHERE id = ?1"}) {
    TRY(RunFor(database, sql, id));
  }
  return NoteVectorChange(database);
}

Result<std::int64_t> InsertDocument(Database& database, const DocumentDetails& details) {
  const auto& [source, title, text_bytes, text_digest, _, ingested_at] = details.record;
  Statement insert = TRY(database.Prepare(
      "INSERT INTO documents(uri, media_type, title, digest, size_bytes, modified_ns, ingested_at, "
      "text_digest, text_bytes, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
      "RETURNING id"));
  insert.Bind(1, source.uri).Bind(2, source.media_type).Bind(3, title);
  insert.Bind(4, source.digest).Bind(5, source.size_bytes).Bind(6, source.modified_ns);
  insert.Bind(7, ingested_at).Bind(8, text_digest).Bind(9, text_bytes).Bind(10, details.text);
  (void)TRY(insert.Step());
  return insert.Int(0);
}

Result<void> InsertChunks(Database& database, std::int64_t document_id,
                          const DocumentDetails& details) {
  Statement insert =
      TRY(database.Prepare("INSERT INTO chunks(document_id, start_byte, end_byte, heading, text) "
                           "VALUES(?1, ?2, ?3, ?4, ?5)"));
  for (const ChunkRecord& chunk : details.chunks) {
    insert.Bind(1, document_id).Bind(2, static_cast<std::int64_t>(chunk.range.begin));
    insert.Bind(3, static_cast<std::int64_t>(chunk.range.end));
    insert.Bind(4, chunk.heading).Bind(5, chunk.range.Of(details.text));
    TRY(insert.Run());
  }
  return RunFor(database,
                "INSERT INTO chunk_index(rowid, title, heading, text) SELECT id, title, heading, "
                "text FROM indexed_chunks WHERE document_id = ?1",
                document_id);
}

Result<void> InsertPages(Database& database, std::int64_t document_id,
                         const DocumentDetails& details) {
  Statement insert =
      TRY(database.Prepare("INSERT INTO pages(document_id, page, start_byte) VALUES(?1, ?2, ?3)"));
  std::int64_t page = 0;
  for (const std::size_t start_byte : details.pages) {
    insert.Bind(1, document_id).Bind(2, ++page).Bind(3, static_cast<std::int64_t>(start_byte));
    TRY(insert.Run());
  }
  return {};
}

// With one at each chunk: a passage needs no text before it to know its line.
Result<void> InsertLines(Database& database, std::int64_t document_id,
                         const DocumentDetails& details) {
  Statement insert = TRY(database.Prepare(
      "INSERT INTO lines(document_id, start_byte, line, counts) VALUES(?1, ?2, ?3, ?4)"));
  std::vector<std::size_t> starts;
  for (const ChunkRecord& chunk : details.chunks) starts.push_back(chunk.range.begin);
  for (const LineMark& mark : WithMarksAt(details.lines, details.text, starts)) {
    insert.Bind(1, document_id).Bind(2, static_cast<std::int64_t>(mark.byte));
    insert.Bind(3, static_cast<std::int64_t>(mark.line)).Bind(4, std::int64_t{mark.counts});
    TRY(insert.Run());
  }
  return {};
}

Result<void> CheckRoom(Database& database, std::int64_t max_documents) {
  Statement count = TRY(database.Prepare("SELECT count(*) FROM documents"));
  (void)TRY(count.Step());
  if (count.Int(0) < max_documents) return {};
  return Error(StatusCode::kLimitExceeded, "the library holds {} documents, which is its limit",
               max_documents);
}

}  // namespace

Library::Library(std::unique_ptr<State> state) : state_(std::move(state)) {}
Library::Library(Library&&) noexcept = default;
Library& Library::operator=(Library&&) noexcept = default;
Library::~Library() = default;

Result<Library> Library::Open(const std::filesystem::path& folder, LibraryMode mode,
                              const LibraryLimits& limits) {
  const std::filesystem::path file = folder / "library.sqlite";
  std::error_code error;
  WriterLock lock;
  if (mode == LibraryMode::kWrite) {
    std::filesystem::create_directories(folder, error);
    if (error) {
      return Error(StatusCode::kFailed, "{}: cannot make the folder: {}", folder.string(),
                   error.message());
    }
    lock = TRY(LockForWriting(folder));
  } else if (!std::filesystem::exists(file, error)) {
    return Error(StatusCode::kNotFound, "{}: no library here; kinglet ingest PATH makes one",
                 folder.string());
  }
  Database database = TRY(Database::Open(file, mode == LibraryMode::kWrite));
  TRY(RegisterTokenizer(database));
  TRY(RegisterWordRank(database));
  // A commit is on disk when it returns (FULL): what was reported survives a power cut too.
  TRY(
      database.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                       "PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON"));
  // Whoever comes first after an update of the program brings the library up to date.
  if (mode == LibraryMode::kRead && TRY(IsOfOlderVersion(database))) {
    (void)TRY(Open(folder, LibraryMode::kWrite, limits));
  }
  TRY(CheckVersion(database, file, mode));
  return Library(
      std::unique_ptr<State>(new State{folder, limits, std::move(lock), std::move(database)}));
}

Result<void> Library::Put(const DocumentSource& source, const Document& document,
                          std::int64_t now) {
  return Put(source, ExamineDocument(document, TRY(GetPersonalDataPolicy())), now);
}

Result<void> Library::Put(const DocumentSource& source, const ExaminedDocument& examined,
                          std::int64_t now) {
  TRY(CheckPolicy(examined.quality));
  const Document& document = examined.document;
  DocumentDetails details{.record = {.source = source,
                                     .title = document.title,
                                     .text_bytes = static_cast<std::int64_t>(document.text.size()),
                                     .text_digest = Sha256::HexOf(document.text),
                                     .chunk_count = 0,
                                     .ingested_at = now},
                          .chunks = {},
                          .text = document.text,
                          .pages = document.pages,
                          .lines = document.lines};
  for (const Chunk& chunk : ChunkDocument(document)) {
    details.chunks.push_back({0, document.headings[chunk.heading], chunk.range});
  }
  return Write(details, &examined.quality);
}

Result<void> Library::Restore(const DocumentDetails& details) { return Write(details, nullptr); }

Result<void> Library::Write(const DocumentDetails& details, const DocumentQuality* quality) {
  Database& database = state_->database;
  return InTransaction(database, [&]() -> Result<void> {
    if (const auto old = TRY(FindId(database, details.record.source.uri))) {
      state_->has_removed = true;
      TRY(DeleteDocument(database, *old));
    } else {
      TRY(CheckRoom(database, state_->limits.documents));
    }
    const std::int64_t id = TRY(InsertDocument(database, details));
    TRY(InsertPages(database, id, details));
    TRY(InsertLines(database, id, details));
    if (quality != nullptr) TRY(InsertQuality(database, id, *quality));
    return InsertChunks(database, id, details);
  });
}

Result<void> Library::Touch(const DocumentSource& source) {
  Statement update = TRY(state_->database.Prepare(
      "UPDATE documents SET size_bytes = ?1, modified_ns = ?2 WHERE uri = ?3"));
  return update.Bind(1, source.size_bytes).Bind(2, source.modified_ns).Bind(3, source.uri).Run();
}

Result<void> Library::Move(std::string_view uri, const DocumentSource& source) {
  Database& database = state_->database;
  return InTransaction(database, [&]() -> Result<void> {
    const auto id = TRY(FindId(database, uri));
    if (!id) return NoDocument(uri);
    TRY(RunFor(database, kForgetArchive, *id));
    Statement update = TRY(database.Prepare(
        "UPDATE documents SET uri = ?1, size_bytes = ?2, modified_ns = ?3 WHERE id = ?4"));
    update.Bind(1, source.uri).Bind(2, source.size_bytes).Bind(3, source.modified_ns);
    return update.Bind(4, *id).Run();
  });
}

Result<void> Library::Remove(std::string_view uri) {
  Database& database = state_->database;
  return InTransaction(database, [&]() -> Result<void> {
    std::vector<std::string> uris = TRY(ListMembers(uri));
    if (TRY(FindId(database, uri))) uris.emplace_back(uri);
    if (uris.empty()) return NoDocument(uri);
    state_->has_removed = true;
    for (const std::string& each : uris) {
      if (const auto id = TRY(FindId(database, each))) TRY(DeleteDocument(database, *id));
    }
    return {};
  });
}

// FTS5 only notes that a row is gone, and keeps its words until their segment is merged; what is
// freed is overwritten (secure_delete), but in the log it stands until that is cut.
Result<void> Library::Purge() {
  if (!state_->has_removed) return {};
  Database& database = state_->database;
  TRY(database.Execute("INSERT INTO chunk_index(chunk_index) VALUES('optimize')"));
  Statement checkpoint = TRY(database.Prepare("PRAGMA wal_checkpoint(TRUNCATE)"));
  (void)TRY(checkpoint.Step());
  if (checkpoint.Int(0) != 0) {
    return Error(StatusCode::kBusy, "{}: what was removed is still in use, and stays in its log",
                 state_->folder.string());
  }
  state_->has_removed = false;
  return {};
}

Result<std::optional<DocumentRecord>> Library::FindDocument(std::string_view uri) {
  Statement row = TRY(state_->database.Prepare(
      fmt::format("SELECT {} FROM documents WHERE uri = ?1", kRecordColumns)));
  if (!TRY(row.Bind(1, uri).Step())) return std::nullopt;
  return ReadRecord(row);
}

Result<std::vector<DocumentRecord>> Library::FindByDigest(std::string_view digest) {
  Statement row = TRY(state_->database.Prepare(
      fmt::format("SELECT {} FROM documents WHERE digest = ?1 ORDER BY uri", kRecordColumns)));
  return ReadRecords(row.Bind(1, digest));
}

Result<std::vector<DocumentRecord>> Library::ListDocuments() {
  Statement row = TRY(state_->database.Prepare(
      fmt::format("SELECT {} FROM documents ORDER BY uri", kRecordColumns)));
  return ReadRecords(row);
}

Result<DocumentDetails> Library::ShowDocument(std::string_view uri) {
  Statement row = TRY(state_->database.Prepare(
      fmt::format("SELECT {}, text, id FROM documents WHERE uri = ?1", kRecordColumns)));
  if (!TRY(row.Bind(1, uri).Step())) return NoDocument(uri);
  DocumentDetails details{ReadRecord(row), {}, std::string(row.Text(10)), {}, {}};
  Statement chunk = TRY(state_->database.Prepare(
      "SELECT id, heading, start_byte, end_byte FROM chunks WHERE document_id = ?1 "
      "ORDER BY start_byte"));
  chunk.Bind(1, row.Int(11));
  while (TRY(chunk.Step())) {
    details.chunks.push_back(
        {chunk.Int(0),
         std::string(chunk.Text(1)),
         {static_cast<std::size_t>(chunk.Int(2)), static_cast<std::size_t>(chunk.Int(3))}});
  }
  Statement page = TRY(state_->database.Prepare(
      "SELECT start_byte FROM pages WHERE document_id = ?1 ORDER BY page"));
  page.Bind(1, row.Int(11));
  while (TRY(page.Step())) details.pages.push_back(static_cast<std::size_t>(page.Int(0)));
  Statement line = TRY(state_->database.Prepare(kLinesUntil));
  line.Bind(1, row.Int(11)).Bind(2, std::int64_t{0}).Bind(3, row.Int(6) + 1);
  while (TRY(line.Step())) details.lines.push_back(ReadLineMark(line));
  return details;
}

Result<std::string> Library::Text(std::string_view uri, std::int64_t start_byte,
                                  std::int64_t end_byte) {
  Statement row =
      TRY(state_->database.Prepare("SELECT text_bytes, text FROM documents WHERE uri = ?1"));
  if (!TRY(row.Bind(1, uri).Step())) return NoDocument(uri);
  if (start_byte < 0 || end_byte < start_byte || end_byte > row.Int(0)) {
    return Error(StatusCode::kUsage, "{}: bytes {} to {} of a text of {}", uri, start_byte,
                 end_byte, row.Int(0));
  }
  const std::string_view text = row.Text(1);
  if (static_cast<std::size_t>(end_byte) > text.size()) {
    return Error(StatusCode::kInvalidInput, "{}: its text is damaged; kinglet library verify", uri);
  }
  return std::string(text.substr(static_cast<std::size_t>(start_byte),
                                 static_cast<std::size_t>(end_byte - start_byte)));
}

}  // namespace kinglet
