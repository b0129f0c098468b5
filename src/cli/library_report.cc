// SPDX-License-Identifier: Apache-2.0
// Counts of the whole library, then each document that somebody may want to look at.
#include "cli/library_report.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/display.h"
#include "base/json.h"

namespace kinglet {
namespace {

// Of some kind: in how many documents, how often.
struct Tally {
  std::int64_t documents = 0;
  std::int64_t count = 0;

  void Add(std::int64_t number) {
    documents += number > 0 ? 1 : 0;
    count += number;
  }
};

struct Findings {
  PersonalDataPolicy policy = PersonalDataPolicy::kKeep;
  std::vector<DocumentQualityRecord> records;
  std::vector<std::string> kept_otherwise;
  std::vector<IngestProblem> problems;

  std::map<std::string, std::int64_t> languages;  // documents of each; "" where it was not told
  std::array<Tally, kPersonalDataKinds.size()> personal_data;
  Tally model_instructions;
  std::int64_t exact_duplicates = 0;
  std::int64_t near_duplicates = 0;
  std::int64_t not_examined = 0;
};

Result<Findings> Gather(Library& library) {
  Findings findings;
  findings.policy = TRY(library.GetPersonalDataPolicy());
  findings.records = TRY(library.ListQuality());
  findings.kept_otherwise = TRY(library.ListKeptOtherwise());
  findings.problems = TRY(library.ListProblems());
  for (const DocumentQualityRecord& record : findings.records) {
    findings.exact_duplicates += record.exact_duplicate_of.empty() ? 0 : 1;
    findings.near_duplicates += record.near_duplicate_of.empty() ? 0 : 1;
    if (!record.quality) {
      ++findings.not_examined;
      continue;
    }
    ++findings.languages[record.quality->language];
    findings.model_instructions.Add(record.quality->model_instructions);
    for (std::size_t kind = 0; kind < kPersonalDataKinds.size(); ++kind) {
      findings.personal_data[kind].Add(record.quality->personal_data[kind]);
    }
  }
  return findings;
}

bool IsFlagged(const DocumentQualityRecord& record) {
  return !record.exact_duplicate_of.empty() || !record.near_duplicate_of.empty() ||
         (record.quality &&
          (record.quality->has_personal_data() || record.quality->model_instructions > 0));
}

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

json::object ToJson(const Findings& findings) {
  json::object languages;
  for (const auto& [language, documents] : findings.languages) {
    languages[language.empty() ? "unknown" : language] = documents;
  }
  json::object personal_data;
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const Tally& tally = findings.personal_data[static_cast<std::size_t>(kind)];
    if (tally.documents > 0) personal_data[Name(kind)] = TallyJson(tally);
  }
  json::array documents;
  for (const DocumentQualityRecord& record : findings.records) {
    documents.push_back(RecordJson(record));
  }
  json::array kept_otherwise(findings.kept_otherwise.begin(), findings.kept_otherwise.end());
  json::array problems;
  for (const IngestProblem& problem : findings.problems) {
    problems.push_back(json::object{{"document", problem.uri},
                                    {"outcome", problem.outcome},
                                    {"reason", EscapeForDisplay(problem.reason)}});
  }
  return {{"document_count", findings.records.size()},
          {"not_examined", findings.not_examined},
          {"languages", languages},
          {"exact_duplicates", findings.exact_duplicates},
          {"near_duplicates", findings.near_duplicates},
          {"personal_data_policy", Name(findings.policy)},
          {"personal_data", personal_data},
          {"kept_by_another_policy", kept_otherwise},
          {"model_instructions", TallyJson(findings.model_instructions)},
          {"documents", documents},
          {"not_read", problems}};
}

std::string Describe(const DocumentQualityRecord& record) {
  std::vector<std::string> parts;
  if (!record.exact_duplicate_of.empty()) {
    parts.push_back("same text as " + EscapeForDisplay(record.exact_duplicate_of));
  }
  if (!record.near_duplicate_of.empty()) {
    parts.push_back(fmt::format("like {} ({:.2f})", EscapeForDisplay(record.near_duplicate_of),
                                record.near_duplicate_jaccard));
  }
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const std::int64_t count =
        record.quality ? record.quality->personal_data[static_cast<std::size_t>(kind)] : 0;
    if (count > 0) parts.push_back(fmt::format("{} {}", count, Name(kind)));
  }
  if (record.quality && record.quality->model_instructions > 0) {
    parts.push_back(fmt::format("{} that speak to a model", record.quality->model_instructions));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

void Print(const Findings& findings) {
  fmt::print("{} documents, {} of the same text as another, {} nearly so\n",
             findings.records.size(), findings.exact_duplicates, findings.near_duplicates);
  if (findings.not_examined > 0) {
    fmt::print("{} of an earlier kinglet's: the next ingest looks at them\n",
               findings.not_examined);
  }
  fmt::print("languages:");
  for (const auto& [language, documents] : findings.languages) {
    fmt::print(" {} {}", language.empty() ? "unknown" : language, documents);
  }
  fmt::print("\npersonal data ({}):", Name(findings.policy));
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const Tally& tally = findings.personal_data[static_cast<std::size_t>(kind)];
    if (tally.documents == 0) continue;
    fmt::print(" {} {} in {} documents;", tally.count, Name(kind), tally.documents);
  }
  fmt::print("\ntext that speaks to a model: {} in {} documents\n",
             findings.model_instructions.count, findings.model_instructions.documents);
  for (const DocumentQualityRecord& record : findings.records) {
    if (IsFlagged(record)) fmt::print("  {}: {}\n", EscapeForDisplay(record.uri), Describe(record));
  }
  for (const std::string& uri : findings.kept_otherwise) {
    fmt::print("  {}: kept by another policy, ingest it again\n", EscapeForDisplay(uri));
  }
  fmt::print("not read: {}\n", findings.problems.size());
  for (const IngestProblem& problem : findings.problems) {
    fmt::print("  {}: {}, {}\n", EscapeForDisplay(problem.uri), problem.outcome,
               EscapeForDisplay(problem.reason));
  }
}

}  // namespace

Result<void> PrintLibraryReport(Library& library, const std::string& folder, bool as_json) {
  const Findings findings = TRY(Gather(library));
  if (as_json) {
    json::object object = ToJson(findings);
    object["library"] = folder;
    fmt::print("{}\n", ToJson(object));
  } else {
    Print(findings);
  }
  return {};
}

}  // namespace kinglet
