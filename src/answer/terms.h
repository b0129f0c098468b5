// SPDX-License-Identifier: Apache-2.0
// The words of a text that carry meaning, each with how rare it is in the library: the measure by
// which a question is covered by a passage and a claim by a quote.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "knowledge/library.h"

namespace kinglet {

struct Term {
  std::string stem;
  std::string word;              // as the text has it
  double weight = 0;             // nats: ln((chunks + 1) / (chunks with the stem + 0.5))
  std::int64_t chunk_count = 0;  // chunks of the library with the stem
  bool is_name =
      false;  // capitals inside a sentence, digits: it names something, no synonym will do
};

using StemSet = std::unordered_set<std::string>;

// The distinct terms of text without stop words, in order of appearance. statistics: of the
// library, for text.
std::vector<Term> FindTerms(std::string_view text, const QueryStatistics& statistics);

// All stems of text, stop words too.
StemSet StemsOf(std::string_view text);

// The share of the terms' weight that stands in stems, or in more where that is given: 0..1, and 1
// where there are no terms.
double Coverage(const std::vector<Term>& terms, const StemSet& stems,
                const StemSet* more = nullptr);

}  // namespace kinglet
