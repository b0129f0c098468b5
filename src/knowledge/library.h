// SPDX-License-Identifier: Apache-2.0
// The library: documents, their kept text, chunks and full-text index in one SQLite file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_range.h"
#include "base/status.h"
#include "knowledge/document.h"
#include "knowledge/passage.h"

namespace kinglet {

enum class LibraryMode {
  kRead,   // must exist; any number of readers beside one writer
  kWrite,  // made where it is missing; one writer at a time, across processes
};

// Where a document came from, to tell later whether it has changed.
struct DocumentSource {
  std::string uri;         // for a file its absolute path; archive_name.h for a file in an archive
  std::string media_type;  // "text/html"
  std::string digest;      // SHA-256 of the original bytes, hexadecimal
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970; of the file, or of the archive when it was read
};

// An archive all of whose members were read that a selection lets through (archive_reader.h).
struct ArchiveRecord {
  std::string uri;  // absolute path
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::string selection;

  friend bool operator==(const ArchiveRecord&, const ArchiveRecord&) = default;
};

struct DocumentRecord {
  DocumentSource source;
  std::string title;
  std::int64_t text_bytes = 0;
  std::string text_digest;  // SHA-256 of the kept text
  std::int64_t chunk_count = 0;
  std::int64_t ingested_at = 0;  // Unix seconds
};

struct ChunkRecord {
  std::int64_t id = 0;
  std::string heading;
  ByteRange range;  // of the kept text
};

struct DocumentDetails {
  DocumentRecord record;
  std::vector<ChunkRecord> chunks;
  std::string text;  // kept text
};

struct TermStatistic {
  std::string stem;
  std::int64_t chunk_count = 0;  // chunks that hold it, in title, heading or text
};

struct QueryStatistics {
  std::vector<TermStatistic> terms;  // each stem of the query once, stop words left out
  std::int64_t total_chunks = 0;
};

struct VerifyReport {
  std::int64_t documents = 0;
  std::int64_t chunks = 0;
  std::vector<std::string> problems;  // one line each; empty: the library is sound
};

struct LibraryLimits {
  std::int64_t documents = 1'000'000;
  std::size_t query_bytes = 4096;  // what is longer is cut
  std::size_t query_terms = 64;
};

// One connection: not for two threads at once; open it again for another thread. Every change is
// one transaction, on disk when the call returns.
class Library {
 public:
  // kNotFound: kRead and no library there. kBusy: another process is writing. kInvalidInput: not a
  // library of ours, or one of a newer version. One of an older version is brought up to date,
  // whatever the mode.
  static Result<Library> Open(const std::filesystem::path& folder, LibraryMode mode,
                              const LibraryLimits& limits = {});
  Library(Library&&) noexcept;
  Library& operator=(Library&&) noexcept;
  ~Library();

  // Adds the document, or replaces the one with the same uri.
  Result<void> Put(const DocumentSource& source, const Document& document, std::int64_t now);
  // The file was touched, its bytes are the same: only the time is taken over.
  Result<void> Touch(const DocumentSource& source);
  // The file of a document has another place, its bytes are the same. kNotFound when there is none.
  Result<void> Move(std::string_view uri, const DocumentSource& source);
  // kNotFound when there is none.
  Result<void> Remove(std::string_view uri);

  // Remembered until a document of the archive is replaced, removed or moved.
  Result<void> PutArchive(const ArchiveRecord& archive);
  Result<std::optional<ArchiveRecord>> FindArchive(std::string_view uri);
  // The uris of its documents, whether it is remembered or not.
  Result<std::vector<std::string>> ListMembers(std::string_view archive_uri);

  // What was removed or replaced through this connection leaves no trace in the folder: not in the
  // index, not in pages of the file that are free, not in the log. Takes a walk through the index.
  // kBusy where a reader that takes its time still sees it; then a later call does it.
  Result<void> Purge();

  // Unset when there is none.
  Result<std::optional<DocumentRecord>> FindDocument(std::string_view uri);
  Result<std::vector<DocumentRecord>> FindByDigest(std::string_view digest);  // of original bytes
  Result<std::vector<DocumentRecord>> ListDocuments();                        // by uri
  Result<DocumentDetails> ShowDocument(std::string_view uri);

  // Those bytes of the kept text; kNotFound for an unknown document, kUsage for a range beyond it.
  Result<std::string> Text(std::string_view uri, std::int64_t start_byte, std::int64_t end_byte);

  // The best passages by BM25 over stems, best first. The query is plain text: nothing in it is
  // syntax. No words, no passages.
  Result<std::vector<Passage>> Search(std::string_view query, int limit);
  Result<QueryStatistics> TermStatistics(std::string_view query);

  // Reads everything: SQLite's own check, digests, chunk ranges, index against text.
  Result<VerifyReport> Verify();

 private:
  struct State;
  explicit Library(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kinglet
