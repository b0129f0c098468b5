// SPDX-License-Identifier: Apache-2.0
// How well a passage carries the words of a query, as a function of FTS5's: BM25, and what BM25
// does not see: whether the words stand together.
//
// Three sums over the words of a query, each weighted by how rare the word is:
//   BM25 (Robertson and Zaragoza 2009);
//   the words in the best stretch of kStretchWords words, since an answer is one sentence;
//   pairs of words that follow each other in the query, and nearly so in the passage.
// Divided by what all words of the query together weigh, so that scores of different queries mean
// about the same: 1 is about a passage with all of them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/sqlite.h"

namespace kinglet {

// The argument of the function, bound as a pointer of this type.
inline constexpr char kWordWeightsType[] = "kinglet_word_weights";

struct WordWeights {
  // Of the words of the query, in the order of the last phrases of the MATCH expression: the
  // logarithm of how rare each is (Robertson and Sparck Jones' weight, as Lucene keeps it above 0).
  std::vector<double> weights;
  int first_phrase = 0;     // phrases before are there to choose rows, and count for nothing
  double total = 0;         // of all weights
  double mean_length = -1;  // words of a passage; the function fills it
};

double WeightOf(std::int64_t chunks_with_word, std::int64_t total_chunks);

// Registers `kinglet_rank(chunk_index, WordWeights)` with a connection: higher is better.
Result<void> RegisterWordRank(Database& database);

}  // namespace kinglet
