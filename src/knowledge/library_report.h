// SPDX-License-Identifier: Apache-2.0
// What a library holds, lacks and repeats: counts of the whole, then each document.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "knowledge/library.h"

namespace kinglet {

// Of some kind: in how many documents, how often.
struct Tally {
  std::int64_t documents = 0;
  std::int64_t count = 0;

  void Add(std::int64_t number) {
    documents += number > 0 ? 1 : 0;
    count += number;
  }
};

struct LibraryReport {
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

// Looks for near duplicates among all documents.
Result<LibraryReport> MakeLibraryReport(Library& library);

json::object ToJson(const LibraryReport& report);

}  // namespace kinglet
