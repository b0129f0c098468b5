// SPDX-License-Identifier: Apache-2.0
// A count for each stem.
#include "eval/passage_statistics.h"

namespace kinglet {

void PassageStatistics::Add(std::string_view passage) {
  if (!seen_.emplace(passage).second) return;
  ++total_;
  for (const std::string& stem : StemsOf(passage)) ++count_[stem];
}

std::vector<Term> PassageStatistics::TermsOf(std::string_view text) const {
  QueryStatistics statistics{.total_chunks = total_};
  for (const std::string& stem : StemsOf(text)) {
    const auto found = count_.find(stem);
    statistics.terms.push_back(
        {.stem = stem, .chunk_count = found == count_.end() ? 0 : found->second});
  }
  return FindTerms(text, statistics);
}

}  // namespace kinglet
