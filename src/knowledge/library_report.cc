// SPDX-License-Identifier: Apache-2.0
// Counts what is noted of each document.
#include "knowledge/library_report.h"

#include "base/display.h"

namespace kinglet {
namespace {

json::object PersonalDataJson(const PersonalDataCounts& counts) {
  json::object object;
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const std::int64_t count = counts[static_cast<std::size_t>(kind)];
    if (count > 0) object[Name(kind)] = count;
  }
  return object;
}

// What is not there to be said is left out.
json::object RecordJson(const DocumentQualityRecord& record) {
  json::object object{{"document", record.uri}};
  if (!record.exact_duplicate_of.empty()) object["exact_duplicate_of"] = record.exact_duplicate_of;
  if (!record.near_duplicate_of.empty()) {
    object["near_duplicate_of"] = record.near_duplicate_of;
    object["similarity"] = record.near_duplicate_jaccard;
  }
  if (!record.quality) return object;
  const DocumentQuality& quality = *record.quality;
  if (!quality.language.empty()) object["language"] = quality.language;
  if (quality.has_personal_data()) {
    object["personal_data"] = PersonalDataJson(quality.personal_data);
    object["personal_data_policy"] = Name(quality.policy);
  }
  if (quality.model_instructions > 0) object["model_instructions"] = quality.model_instructions;
  if (quality.dropped_bytes) object["dropped_bytes"] = *quality.dropped_bytes;
  return object;
}

json::object TallyJson(const Tally& tally) {
  return {{"documents", tally.documents}, {"count", tally.count}};
}

}  // namespace

Result<LibraryReport> MakeLibraryReport(Library& library) {
  LibraryReport report;
  report.policy = TRY(library.GetPersonalDataPolicy());
  report.records = TRY(library.ListQuality());
  report.kept_otherwise = TRY(library.ListKeptOtherwise());
  report.problems = TRY(library.ListProblems());
  for (const DocumentQualityRecord& record : report.records) {
    report.exact_duplicates += record.exact_duplicate_of.empty() ? 0 : 1;
    report.near_duplicates += record.near_duplicate_of.empty() ? 0 : 1;
    if (!record.quality) {
      ++report.not_examined;
      continue;
    }
    ++report.languages[record.quality->language];
    report.model_instructions.Add(record.quality->model_instructions);
    for (std::size_t kind = 0; kind < kPersonalDataKinds.size(); ++kind) {
      report.personal_data[kind].Add(record.quality->personal_data[kind]);
    }
  }
  return report;
}

json::object ToJson(const LibraryReport& report) {
  json::object languages;
  for (const auto& [language, documents] : report.languages) {
    languages[language.empty() ? "unknown" : language] = documents;
  }
  json::object personal_data;
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const Tally& tally = report.personal_data[static_cast<std::size_t>(kind)];
    if (tally.documents > 0) personal_data[Name(kind)] = TallyJson(tally);
  }
  json::array documents;
  for (const DocumentQualityRecord& record : report.records) {
    documents.push_back(RecordJson(record));
  }
  json::array kept_otherwise(report.kept_otherwise.begin(), report.kept_otherwise.end());
  json::array problems;
  for (const IngestProblem& problem : report.problems) {
    problems.push_back(json::object{{"document", problem.uri},
                                    {"outcome", problem.outcome},
                                    {"reason", EscapeForDisplay(problem.reason)}});
  }
  return {{"document_count", report.records.size()},
          {"not_examined", report.not_examined},
          {"languages", languages},
          {"exact_duplicates", report.exact_duplicates},
          {"near_duplicates", report.near_duplicates},
          {"personal_data_policy", Name(report.policy)},
          {"personal_data", personal_data},
          {"kept_by_another_policy", kept_otherwise},
          {"model_instructions", TallyJson(report.model_instructions)},
          {"documents", documents},
          {"not_read", problems}};
}

}  // namespace kinglet
