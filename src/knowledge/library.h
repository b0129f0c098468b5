// SPDX-License-Identifier: Apache-2.0
// The library: documents, their kept text, chunks and full-text index in one SQLite file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_range.h"
#include "base/status.h"
#include "knowledge/document.h"
#include "knowledge/document_quality.h"
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
  std::string text;                // kept text
  std::vector<std::size_t> pages;  // where in text they begin, as in Document
  std::vector<LineMark> lines;     // of text, as in Document
};

struct TermStatistic {
  std::string stem;
  std::int64_t chunk_count = 0;  // chunks that hold it, in title, heading or text
};

struct QueryStatistics {
  std::vector<TermStatistic> terms;  // each stem of the query once, stop words left out
  std::int64_t total_chunks = 0;
};

struct ScoredChunk {
  std::int64_t id = 0;
  double score = 0;  // higher is better
};

// What has made the vectors of a library.
struct EmbedderRecord {
  std::string name;       // of its model, as the user gave it
  std::string probe;      // what it makes of a text that is always the same, encoded
  std::size_t width = 0;  // values of a vector
};

// What is to be embedded.
struct ChunkText {
  std::int64_t id = 0;
  std::string title, heading, text;
};

// Encoded as knowledge/vector_index.h has it.
struct ChunkVectors {
  std::int64_t chunk_id = 0;
  std::string chunk;      // one vector
  std::string sentences;  // one for each, one behind the other; empty where the chunk is one
};

struct VerifyReport {
  std::int64_t documents = 0;
  std::int64_t chunks = 0;
  std::vector<std::string> problems;  // one line each; empty: the library is sound
};

struct DocumentQualityRecord {
  std::string uri;
  // Unset: ingested by a kinglet that noted none; the next ingest does.
  std::optional<DocumentQuality> quality;
  std::string exact_duplicate_of;  // the first document with that text; empty: it is the first
  std::string near_duplicate_of;   // the most similar one of those before it; empty: there is none
  double near_duplicate_jaccard = 0;  // estimated
};

// A file that an ingest did not read, and why.
struct IngestProblem {
  std::string uri;
  std::string outcome;  // "skipped", "failed"
  std::string reason;

  bool operator==(const IngestProblem&) const = default;
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

  // Adds the document, or replaces the one with the same uri. kInvalidInput: CheckPolicy refuses
  // it. Who examines it, maybe in another thread, does so by the library's policy.
  Result<void> Put(const DocumentSource& source, const ExaminedDocument& examined,
                   std::int64_t now);
  Result<void> Put(const DocumentSource& source, const Document& document, std::int64_t now);
  // The same of a document that a library has kept. Its chunks get new ids.
  Result<void> Restore(const DocumentDetails& details);
  // The file was touched, its bytes are the same: only the time is taken over.
  Result<void> Touch(const DocumentSource& source);
  // The file of a document has another place, its bytes are the same. kNotFound when there is none.
  Result<void> Move(std::string_view uri, const DocumentSource& source);
  // The document, or all documents of the archive, with that uri. kNotFound when there is none.
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

  // What the library does about personal data from now on. Documents that are there stay as they
  // are, until they are ingested again.
  Result<PersonalDataPolicy> GetPersonalDataPolicy();
  Result<void> SetPersonalDataPolicy(PersonalDataPolicy policy);
  // Uris of documents with personal data that were kept under another policy than is set now.
  Result<std::vector<std::string>> ListKeptOtherwise();

  // By uri. Near duplicates are looked for in all documents, in the order that they came in.
  Result<std::vector<DocumentQualityRecord>> ListQuality();
  // Notes the quality of documents that have none, from their kept text.
  Result<void> NoteMissingQuality();

  // By uri.
  Result<std::vector<IngestProblem>> ListProblems();
  // Takes those of `solved` out, then adds or replaces those of `met`.
  Result<void> UpdateProblems(const std::vector<std::string>& solved,
                              const std::vector<IngestProblem>& met);

  // Those bytes of the kept text; kNotFound for an unknown document, kUsage for a range beyond it.
  Result<std::string> Text(std::string_view uri, std::int64_t start_byte, std::int64_t end_byte);

  // ---- search; knowledge/retriever.h puts it together ----

  // The query is plain text: nothing in it is syntax. No words, no terms.
  Result<QueryStatistics> TermStatistics(std::string_view query);
  // Chunks that hold one of the terms, the best by word_rank.h first. Where that is very many, one
  // of the rarer terms.
  Result<std::vector<ScoredChunk>> RankByWords(const QueryStatistics& query, int limit);
  // In this order, without those that are gone; scores and ranks are left to the caller.
  Result<std::vector<Passage>> ReadPassages(std::span<const std::int64_t> chunk_ids);
  // Documents that have the very text of a passage's own, into its also_in.
  Result<void> AddCopies(std::vector<Passage>& passages);

  // ---- vectors of chunks, as one embedder has made them ----

  // Unset: the library has no vectors.
  Result<std::optional<EmbedderRecord>> FindEmbedder();
  // The vectors of another embedder are thrown away.
  Result<void> SetEmbedder(const EmbedderRecord& embedder);
  // By id, those after `after_id`.
  Result<std::vector<ChunkText>> ChunksWithoutVectors(std::int64_t after_id, int limit);
  Result<std::int64_t> CountChunksWithoutVectors();
  // Of chunks that have none; one transaction. Those of chunks that are gone are left out.
  Result<void> PutVectors(std::span<const ChunkVectors> vectors);
  // Another number after each change of the vectors.
  Result<std::int64_t> VectorRevision();
  Result<std::int64_t> CountVectors();
  // The chunks' own, by id, those after `after_id`.
  Result<void> ReadVectors(
      std::int64_t after_id,
      const std::function<void(std::int64_t chunk_id, std::string_view encoded)>& sink);
  // Of each chunk's sentences, one behind the other; empty where there are none.
  Result<void> ReadSentenceVectors(
      std::span<const std::int64_t> chunk_ids,
      const std::function<void(std::size_t index, std::string_view encoded)>& sink);

  // All of it as lines of JSON, in the order in which documents came, of one moment whatever is
  // written meanwhile; library_export.h reads them. Returns the number of documents.
  Result<std::int64_t> Export(const std::function<Result<void>(const std::string& line)>& write);

  // Reads everything: SQLite's own check, digests, chunk ranges, index against text.
  Result<VerifyReport> Verify();

 private:
  struct State;
  // quality: unset, the next ingest notes it.
  Result<void> Write(const DocumentDetails& details, const DocumentQuality* quality);
  explicit Library(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kinglet
