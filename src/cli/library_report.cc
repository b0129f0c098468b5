// SPDX-License-Identifier: Apache-2.0
// Counts of the whole library, then each document that somebody may want to look at.
#include "cli/library_report.h"

#include <vector>

#include "base/display.h"
#include "base/json.h"
#include "knowledge/library_report.h"

namespace kinglet {
namespace {

bool IsFlagged(const DocumentQualityRecord& record) {
  return !record.exact_duplicate_of.empty() || !record.near_duplicate_of.empty() ||
         (record.quality &&
          (record.quality->has_personal_data() || record.quality->model_instructions > 0));
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

void Print(const LibraryReport& report) {
  fmt::print("{} documents, {} of the same text as another, {} nearly so\n", report.records.size(),
             report.exact_duplicates, report.near_duplicates);
  if (report.not_examined > 0) {
    fmt::print("{} of an earlier kinglet's: the next ingest looks at them\n", report.not_examined);
  }
  fmt::print("languages:");
  for (const auto& [language, documents] : report.languages) {
    fmt::print(" {} {}", language.empty() ? "unknown" : language, documents);
  }
  fmt::print("\npersonal data ({}):", Name(report.policy));
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const Tally& tally = report.personal_data[static_cast<std::size_t>(kind)];
    if (tally.documents == 0) continue;
    fmt::print(" {} {} in {} documents;", tally.count, Name(kind), tally.documents);
  }
  fmt::print("\ntext that speaks to a model: {} in {} documents\n", report.model_instructions.count,
             report.model_instructions.documents);
  for (const DocumentQualityRecord& record : report.records) {
    if (IsFlagged(record)) fmt::print("  {}: {}\n", EscapeForDisplay(record.uri), Describe(record));
  }
  for (const std::string& uri : report.kept_otherwise) {
    fmt::print("  {}: kept by another policy, ingest it again\n", EscapeForDisplay(uri));
  }
  fmt::print("not read: {}\n", report.problems.size());
  for (const IngestProblem& problem : report.problems) {
    fmt::print("  {}: {}, {}\n", EscapeForDisplay(problem.uri), problem.outcome,
               EscapeForDisplay(problem.reason));
  }
}

}  // namespace

Result<void> PrintLibraryReport(Library& library, const std::string& folder, bool as_json) {
  const LibraryReport report = TRY(MakeLibraryReport(library));
  if (as_json) {
    json::object object = ToJson(report);
    object["library"] = folder;
    fmt::print("{}\n", ToJson(object));
  } else {
    Print(report);
  }
  return {};
}

}  // namespace kinglet
