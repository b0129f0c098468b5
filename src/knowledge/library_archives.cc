// SPDX-License-Identifier: Apache-2.0
// What the library remembers of archives: of their documents it knows by how their uris begin.
#include "knowledge/library.h"
#include "knowledge/library_state.h"

namespace kinglet {

Result<void> Library::PutArchive(const ArchiveRecord& archive) {
  Statement put = TRY(state_->database.Prepare(
      "INSERT OR REPLACE INTO archives(uri, size_bytes, modified_ns, selection) "
      "VALUES(?1, ?2, ?3, ?4)"));
  put.Bind(1, archive.uri).Bind(2, archive.size_bytes).Bind(3, archive.modified_ns);
  return put.Bind(4, archive.selection).Run();
}

Result<std::optional<ArchiveRecord>> Library::FindArchive(std::string_view uri) {
  Statement row = TRY(state_->database.Prepare(
      "SELECT uri, size_bytes, modified_ns, selection FROM archives WHERE uri = ?1"));
  if (!TRY(row.Bind(1, uri).Step())) return std::nullopt;
  return ArchiveRecord{std::string(row.Text(0)), row.Int(1), row.Int(2), std::string(row.Text(3))};
}

Result<std::vector<std::string>> Library::ListMembers(std::string_view archive_uri) {
  // Along the index of uris: "0" is the character after "/".
  Statement row = TRY(state_->database.Prepare(
      "SELECT uri FROM documents WHERE uri >= ?1 || '!/' AND uri < ?1 || '!0' ORDER BY uri"));
  row.Bind(1, archive_uri);
  std::vector<std::string> uris;
  while (TRY(row.Step())) uris.emplace_back(row.Text(0));
  return uris;
}

}  // namespace kinglet
