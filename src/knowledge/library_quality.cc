// SPDX-License-Identifier: Apache-2.0
// What is noted beside the documents: their quality, files that were not read, the policy. What a
// document is a duplicate of is told when it is asked for: a note would be wrong as soon as the
// first one is gone.
#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "knowledge/library.h"
#include "knowledge/library_state.h"

namespace kinglet {
namespace {

constexpr std::string_view kPolicySetting = "personal_data";

std::string_view BytesOf(const MinHashSignature& signature) {
  return {reinterpret_cast<const char*>(signature.data()), sizeof(signature)};
}

std::optional<MinHashSignature> SignatureOfBytes(std::string_view bytes) {
  MinHashSignature signature;
  if (bytes.size() != sizeof(signature)) return std::nullopt;
  std::memcpy(signature.data(), bytes.data(), sizeof(signature));
  return signature;
}

// By the id of the document.
Result<std::unordered_map<std::int64_t, PersonalDataCounts>> ReadPersonalData(Database& database) {
  std::unordered_map<std::int64_t, PersonalDataCounts> counts;
  Statement row = TRY(database.Prepare("SELECT document_id, kind, count FROM personal_data"));
  while (TRY(row.Step())) {
    for (const PersonalDataKind kind : kPersonalDataKinds) {
      if (Name(kind) != row.Text(1)) continue;
      counts[row.Int(0)][static_cast<std::size_t>(kind)] = row.Int(2);
    }
  }
  return counts;
}

}  // namespace

Result<void> InsertQuality(Database& database, std::int64_t document_id,
                           const DocumentQuality& quality) {
  Statement insert = TRY(database.Prepare(
      "INSERT INTO document_quality(document_id, language, model_instructions, dropped_bytes, "
      "signature, policy) VALUES(?1, ?2, ?3, ?4, CAST(?5 AS BLOB), ?6)"));
  insert.Bind(1, document_id).Bind(2, quality.language).Bind(3, quality.model_instructions);
  insert.Bind(4, quality.dropped_bytes).Bind(6, Name(quality.policy));
  if (quality.signature) {
    insert.Bind(5, BytesOf(*quality.signature));
  } else {
    insert.Bind(5, std::nullopt);
  }
  TRY(insert.Run());
  Statement count = TRY(
      database.Prepare("INSERT INTO personal_data(document_id, kind, count) VALUES(?1, ?2, ?3)"));
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const std::int64_t number = quality.personal_data[static_cast<std::size_t>(kind)];
    if (number > 0) TRY(count.Bind(1, document_id).Bind(2, Name(kind)).Bind(3, number).Run());
  }
  return {};
}

Result<void> Library::AddCopies(std::vector<Passage>& passages) {
  Statement copy = TRY(
      state_->database.Prepare("SELECT uri FROM documents WHERE uri <> ?1 AND text_digest = "
                               "(SELECT text_digest FROM documents WHERE uri = ?1) ORDER BY id"));
  for (Passage& passage : passages) {
    copy.Reset();
    copy.Bind(1, passage.document);
    while (TRY(copy.Step())) {
      const std::string_view uri = copy.Text(0);
      if (std::ranges::find(passage.also_in, uri) == passage.also_in.end()) {
        passage.also_in.emplace_back(uri);
      }
    }
  }
  return {};
}

Result<PersonalDataPolicy> Library::GetPersonalDataPolicy() {
  const auto row = TRY(FindSetting(state_->database, kPolicySetting));
  if (!row) return PersonalDataPolicy::kKeep;
  if (const auto policy = PersonalDataPolicyNamed(row->Text(0))) return *policy;
  return Error(StatusCode::kInvalidInput, "{}: its policy for personal data is not known: {}",
               state_->folder.string(), row->Text(0));
}

Result<void> Library::SetPersonalDataPolicy(PersonalDataPolicy policy) {
  return TRY(PrepareSetting(state_->database, kPolicySetting)).Bind(2, Name(policy)).Run();
}

Result<std::vector<std::string>> Library::ListKeptOtherwise() {
  std::vector<std::string> uris;
  Statement row = TRY(state_->database.Prepare(
      "SELECT uri FROM documents JOIN document_quality ON document_id = id WHERE policy <> ?1 "
      "AND id IN (SELECT document_id FROM personal_data) ORDER BY uri"));
  row.Bind(1, Name(TRY(GetPersonalDataPolicy())));
  while (TRY(row.Step())) uris.emplace_back(row.Text(0));
  return uris;
}

Result<std::vector<DocumentQualityRecord>> Library::ListQuality() {
  std::vector<DocumentQualityRecord> records;
  const auto personal_data = TRY(ReadPersonalData(state_->database));
  Statement row = TRY(state_->database.Prepare(
      "SELECT id, uri, text_digest, language, model_instructions, dropped_bytes, signature, policy "
      "FROM documents LEFT JOIN document_quality ON document_id = id ORDER BY id"));
  std::unordered_map<std::string, std::size_t> by_text;  // the first record of each
  NearDuplicateIndex near_duplicates;
  while (TRY(row.Step())) {
    const std::size_t index = records.size();
    DocumentQualityRecord& record = records.emplace_back();
    record.uri = row.Text(1);
    const auto [first, is_first] = by_text.emplace(row.Text(2), index);
    if (!is_first) record.exact_duplicate_of = records[first->second].uri;
    const auto policy = PersonalDataPolicyNamed(row.Text(7));
    if (!policy) continue;
    DocumentQuality& quality = record.quality.emplace();
    quality.language = row.Text(3);
    quality.model_instructions = row.Int(4);
    if (!row.IsNull(5)) quality.dropped_bytes = row.Int(5);
    quality.signature = SignatureOfBytes(row.Text(6));
    quality.policy = *policy;
    const auto counts = personal_data.find(row.Int(0));
    if (counts != personal_data.end()) quality.personal_data = counts->second;
    if (!is_first || !quality.signature) continue;
    const auto match = near_duplicates.Add(static_cast<std::int64_t>(index), *quality.signature);
    if (!match) continue;
    record.near_duplicate_of = records[static_cast<std::size_t>(match->id)].uri;
    record.near_duplicate_jaccard = match->jaccard;
  }
  std::ranges::sort(records, {}, &DocumentQualityRecord::uri);
  return records;
}

Result<void> Library::NoteMissingQuality() {
  Database& database = state_->database;
  Statement row =
      TRY(database.Prepare("SELECT id, title, text FROM documents "
                           "WHERE id NOT IN (SELECT document_id FROM document_quality) LIMIT 1"));
  while (TRY(row.Step())) {
    Document document;
    document.title = row.Text(1);
    document.text = row.Text(2);
    const std::int64_t id = row.Int(0);
    row.Reset();
    const ExaminedDocument examined =
        ExamineDocument(std::move(document), PersonalDataPolicy::kKeep);
    TRY(InTransaction(database, [&] { return InsertQuality(database, id, examined.quality); }));
  }
  return {};
}

Result<std::vector<IngestProblem>> Library::ListProblems() {
  std::vector<IngestProblem> problems;
  Statement row = TRY(
      state_->database.Prepare("SELECT uri, outcome, reason FROM ingest_problems ORDER BY uri"));
  while (TRY(row.Step())) {
    problems.push_back(
        {std::string(row.Text(0)), std::string(row.Text(1)), std::string(row.Text(2))});
  }
  return problems;
}

Result<void> Library::UpdateProblems(const std::vector<std::string>& solved,
                                     const std::vector<IngestProblem>& met) {
  if (solved.empty() && met.empty()) return {};
  Database& database = state_->database;
  return InTransaction(database, [&]() -> Result<void> {
    Statement forget = TRY(database.Prepare("DELETE FROM ingest_problems WHERE uri = ?1"));
    for (const std::string& uri : solved) TRY(forget.Bind(1, uri).Run());
    Statement note = TRY(database.Prepare(
        "INSERT OR REPLACE INTO ingest_problems(uri, outcome, reason) VALUES(?1, ?2, ?3)"));
    for (const auto& [uri, outcome, reason] : met) {
      TRY(note.Bind(1, uri).Bind(2, outcome).Bind(3, reason).Run());
    }
    return {};
  });
}

}  // namespace kinglet
