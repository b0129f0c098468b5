// SPDX-License-Identifier: Apache-2.0
// One walk over the places where the query's words stand in a passage.
#include "knowledge/word_rank.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>

#include "knowledge/fts5.h"

namespace kinglet {
namespace {

constexpr double kK1 = 0.9;
constexpr double kB = 0.5;
constexpr int kStretchWords = 16;
constexpr int kPairDistance = 3;  // words from the first of a pair to the second, at most

// How much a word counts in each column of chunk_index, tuned on questions about a manual: a
// heading names what its chunks are about, but a long path of headings must not outweigh the text.
constexpr double kColumnWeights[] = {0.5, 1.0, 1.0};  // title, heading, text
constexpr int kTextColumn = 2;

struct Place {
  int word = 0;    // index into the query's words
  int offset = 0;  // in words of the passage's text
};

// Where the query's words stand in one row.
struct Row {
  std::vector<double> frequencies;  // of each word, by the columns' weights
  std::vector<Place> places;        // in the text, in order
  double length = 0;                // words of all columns
};

double Bm25(const Row& row, const WordWeights& query) {
  const double length = kK1 * (1 - kB + kB * row.length / std::max(query.mean_length, 1.0));
  double sum = 0;
  for (std::size_t word = 0; word < row.frequencies.size(); ++word) {
    const double frequency = row.frequencies[word];
    sum += query.weights[word] * frequency * (kK1 + 1) / (frequency + length);
  }
  return sum;
}

// The greatest weight of different words within a stretch that slides over the places.
double BestStretch(const Row& row, const WordWeights& query) {
  std::vector<int> counts(query.weights.size());
  double weight = 0;
  double best = 0;
  std::size_t first = 0;
  for (const Place& place : row.places) {
    const auto word = static_cast<std::size_t>(place.word);
    if (counts[word]++ == 0) weight += query.weights[word];
    for (; row.places[first].offset <= place.offset - kStretchWords; ++first) {
      const auto left = static_cast<std::size_t>(row.places[first].word);
      if (--counts[left] == 0) weight -= query.weights[left];
    }
    best = std::max(best, weight);
  }
  return best;
}

double Pairs(const Row& row, const WordWeights& query) {
  std::vector<char> found(query.weights.size());
  for (std::size_t i = 1; i < row.places.size(); ++i) {
    const Place& first = row.places[i - 1];
    const Place& second = row.places[i];
    const bool is_pair =
        second.word == first.word + 1 && second.offset - first.offset <= kPairDistance;
    if (is_pair) found[static_cast<std::size_t>(first.word)] = 1;
  }
  double sum = 0;
  for (std::size_t word = 0; word + 1 < found.size(); ++word) {
    if (found[word] != 0) sum += std::min(query.weights[word], query.weights[word + 1]);
  }
  return sum;
}

int ReadRow(const Fts5ExtensionApi& api, Fts5Context* context, int first_phrase, Row& row) {
  int length = 0;
  int result = api.xColumnSize(context, -1, &length);
  row.length = length;
  int count = 0;
  if (result == SQLITE_OK) result = api.xInstCount(context, &count);
  for (int i = 0; i < count && result == SQLITE_OK; ++i) {
    int word = 0;
    int column = 0;
    int offset = 0;
    result = api.xInst(context, i, &word, &column, &offset);
    if (result != SQLITE_OK) break;
    word -= first_phrase;
    if (word < 0) continue;
    row.frequencies[static_cast<std::size_t>(word)] += kColumnWeights[column];
    if (column == kTextColumn) row.places.push_back({word, offset});
  }
  return result;
}

int FindMeanLength(const Fts5ExtensionApi& api, Fts5Context* context, WordWeights& query) {
  sqlite3_int64 rows = 0;
  sqlite3_int64 words = 0;
  int result = api.xRowCount(context, &rows);
  if (result == SQLITE_OK) result = api.xColumnTotalSize(context, -1, &words);
  query.mean_length =
      static_cast<double>(words) / static_cast<double>(std::max<sqlite3_int64>(rows, 1));
  return result;
}

void Rank(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3_context* out, int count,
          sqlite3_value** values) {
  auto* const query =
      count == 1 ? static_cast<WordWeights*>(sqlite3_value_pointer(values[0], kWordWeightsType))
                 : nullptr;
  if (query == nullptr ||
      static_cast<std::size_t>(api->xPhraseCount(context)) !=
          query->weights.size() + static_cast<std::size_t>(query->first_phrase)) {
    sqlite3_result_error(out, "kinglet_rank: not the weights of this query", -1);
    return;
  }
  int result = SQLITE_OK;
  if (query->mean_length < 0) result = FindMeanLength(*api, context, *query);
  Row row{.frequencies = std::vector<double>(query->weights.size())};
  if (result == SQLITE_OK) result = ReadRow(*api, context, query->first_phrase, row);
  if (result != SQLITE_OK) {
    sqlite3_result_error_code(out, result);
    return;
  }
  const double sum = Bm25(row, *query) + BestStretch(row, *query) + Pairs(row, *query);
  sqlite3_result_double(out, query->total > 0 ? sum / query->total : 0);
}

}  // namespace

double WeightOf(std::int64_t chunks_with_word, std::int64_t total_chunks) {
  const auto with = static_cast<double>(chunks_with_word);
  const auto without =
      static_cast<double>(std::max<std::int64_t>(total_chunks - chunks_with_word, 0));
  return std::log1p((without + 0.5) / (with + 0.5));
}

Result<void> RegisterWordRank(Database& database) {
  fts5_api* const api = TRY(FindFts5(database));
  if (api->xCreateFunction(api, "kinglet_rank", nullptr, Rank, nullptr) == SQLITE_OK) return {};
  return Error(StatusCode::kFailed, "SQLite: {}", sqlite3_errmsg(database.handle()));
}

}  // namespace kinglet
