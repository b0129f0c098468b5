// SPDX-License-Identifier: Apache-2.0
// The library: documents, their kept text, chunks and full-text index in one SQLite file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
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
  std::string uri;         // for a file its absolute path
  std::string media_type;  // "text/html"
  std::string digest;      // SHA-256 of the original bytes, hexadecimal
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970; of the file
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
  std::string text;                // kept text
  std::vector<std::size_t> pages;  // where in text they begin, as in Document
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
  // The same of a document that a library has kept. Its chunks get new ids.
  Result<void> Restore(const DocumentDetails& details);
  // The file was touched, its bytes are the same: only the time is taken over.
  Result<void> Touch(const DocumentSource& source);
  // The file of a document has another place, its bytes are the same. kNotFound when there is none.
  Result<void> Move(std::string_view uri, const DocumentSource& source);
  // kNotFound when there is none.
  Result<void> Remove(std::string_view uri);

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

  // All of it as lines of JSON, in the order in which documents came, of one moment whatever is
  // written meanwhile; library_export.h reads them. Returns the number of documents.
  Result<std::int64_t> Export(const std::function<Result<void>(const std::string& line)>& write);

  // Reads everything: SQLite's own check, digests, chunk ranges, index against text.
  Result<VerifyReport> Verify();

 private:
  struct State;
  explicit Library(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kinglet
