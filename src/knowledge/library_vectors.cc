// SPDX-License-Identifier: Apache-2.0
// The vectors of a library: which embedder has made them, for which chunks, and what is missing.
#include "knowledge/library.h"
#include "knowledge/library_state.h"

namespace kinglet {
namespace {

constexpr std::string_view kEmbedderName = "embedder";
constexpr std::string_view kEmbedderProbe = "embedder_probe";
constexpr std::string_view kEmbedderWidth = "embedder_width";

constexpr std::string_view kWithoutVector =
    "NOT EXISTS(SELECT 1 FROM vectors WHERE chunk_id = chunks.id)";

Result<std::int64_t> Count(Database& database, std::string_view sql) {
  Statement row = TRY(database.Prepare(sql));
  (void)TRY(row.Step());
  return row.Int(0);
}

}  // namespace

Result<std::optional<Statement>> FindSetting(Database& database, std::string_view name) {
  Statement row = TRY(database.Prepare("SELECT value FROM settings WHERE name = ?1"));
  if (!TRY(row.Bind(1, name).Step())) return std::nullopt;
  return row;
}

Result<Statement> PrepareSetting(Database& database, std::string_view name) {
  Statement statement = TRY(database.Prepare("INSERT OR REPLACE INTO settings VALUES(?1, ?2)"));
  statement.Bind(1, name);
  return statement;
}

Result<void> NoteVectorChange(Database& database) {
  return database.Execute(
      "INSERT INTO settings VALUES('vector_revision', 1) "
      "ON CONFLICT(name) DO UPDATE SET value = value + 1");
}

Result<std::optional<EmbedderRecord>> Library::FindEmbedder() {
  Database& database = state_->database;
  const auto name = TRY(FindSetting(database, kEmbedderName));
  const auto probe = TRY(FindSetting(database, kEmbedderProbe));
  const auto width = TRY(FindSetting(database, kEmbedderWidth));
  if (!name || !probe || !width) return std::nullopt;
  return EmbedderRecord{std::string(name->Text(0)), std::string(probe->Blob(0)),
                        static_cast<std::size_t>(width->Int(0))};
}

Result<void> Library::SetEmbedder(const EmbedderRecord& embedder) {
  Database& database = state_->database;
  const auto old = TRY(FindEmbedder());
  return InTransaction(database, [&]() -> Result<void> {
    if (!old || old->probe != embedder.probe) {
      TRY(database.Execute("DELETE FROM vectors; DELETE FROM sentence_vectors"));
    }
    TRY(TRY(PrepareSetting(database, kEmbedderName)).Bind(2, embedder.name).Run());
    TRY(TRY(PrepareSetting(database, kEmbedderProbe)).BindBlob(2, embedder.probe).Run());
    const auto width = static_cast<std::int64_t>(embedder.width);
    TRY(TRY(PrepareSetting(database, kEmbedderWidth)).Bind(2, width).Run());
    return NoteVectorChange(database);
  });
}

Result<std::vector<ChunkText>> Library::ChunksWithoutVectors(std::int64_t after_id, int limit) {
  Statement row = TRY(state_->database.Prepare(
      fmt::format("SELECT chunks.id, title, heading, chunks.text FROM chunks "
                  "JOIN documents ON documents.id = document_id "
                  "WHERE chunks.id > ?1 AND {} ORDER BY chunks.id LIMIT ?2",
                  kWithoutVector)));
  row.Bind(1, after_id).Bind(2, std::int64_t{limit});
  std::vector<ChunkText> chunks;
  while (TRY(row.Step())) {
    chunks.push_back(
        {row.Int(0), std::string(row.Text(1)), std::string(row.Text(2)), std::string(row.Text(3))});
  }
  return chunks;
}

Result<std::int64_t> Library::CountChunksWithoutVectors() {
  return Count(state_->database,
               fmt::format("SELECT count(*) FROM chunks WHERE {}", kWithoutVector));
}

Result<void> Library::PutVectors(std::span<const ChunkVectors> vectors) {
  Database& database = state_->database;
  Statement chunk = TRY(database.Prepare(
      "INSERT INTO vectors SELECT id, ?2 FROM chunks WHERE id = ?1 RETURNING chunk_id"));
  Statement sentences = TRY(database.Prepare("INSERT INTO sentence_vectors VALUES(?1, ?2)"));
  return InTransaction(database, [&]() -> Result<void> {
    for (const ChunkVectors& of : vectors) {
      const bool is_there = TRY(chunk.Bind(1, of.chunk_id).BindBlob(2, of.chunk).Step());
      chunk.Reset();
      if (!is_there || of.sentences.empty()) continue;
      TRY(sentences.Bind(1, of.chunk_id).BindBlob(2, of.sentences).Run());
    }
    return NoteVectorChange(database);
  });
}

Result<std::int64_t> Library::VectorRevision() {
  const auto revision = TRY(FindSetting(state_->database, "vector_revision"));
  return revision ? revision->Int(0) : 0;
}

Result<std::int64_t> Library::CountVectors() {
  return Count(state_->database, "SELECT count(*) FROM vectors");
}

Result<void> Library::ReadVectors(
    std::int64_t after_id,
    const std::function<void(std::int64_t chunk_id, std::string_view encoded)>& sink) {
  Statement row = TRY(state_->database.Prepare(
      "SELECT chunk_id, vector FROM vectors WHERE chunk_id > ?1 ORDER BY chunk_id"));
  row.Bind(1, after_id);
  while (TRY(row.Step())) sink(row.Int(0), row.Blob(1));
  return {};
}

Result<void> Library::ReadSentenceVectors(
    std::span<const std::int64_t> chunk_ids,
    const std::function<void(std::size_t index, std::string_view encoded)>& sink) {
  Statement row =
      TRY(state_->database.Prepare("SELECT vectors FROM sentence_vectors WHERE chunk_id = ?1"));
  for (std::size_t i = 0; i < chunk_ids.size(); ++i) {
    const bool is_there = TRY(row.Bind(1, chunk_ids[i]).Step());
    sink(i, is_there ? row.Blob(0) : std::string_view());
    row.Reset();
  }
  return {};
}

}  // namespace kinglet
