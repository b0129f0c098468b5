// SPDX-License-Identifier: Apache-2.0
// Candidates from both ways, then one score for each: a weighted sum of what words and vectors say.
#include "knowledge/retriever.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "knowledge/fold_duplicates.h"

namespace kinglet {
namespace {

constexpr int kMinCandidates = 100;   // of each way
constexpr int kScoredByWords = 1000;  // passages whose score by words is known
// Of the words' score beside the vectors' cosine, chosen on three collections: between 0.3 and 0.5
// nothing changes much.
constexpr double kWordWeight = 0.4;
// Passages beyond what is wanted, since some may be copies; and how many times as many are looked
// through at most.
constexpr std::size_t kMoreForCopies = 10;
constexpr std::size_t kMaxDepth = 32;

// A query, in both ways.
struct Wanted {
  const QueryStatistics& words;
  std::vector<float> vector;  // empty: by words alone
};

struct Candidate {
  std::int64_t chunk_id = 0;
  double score = 0;
  std::optional<int> lexical_rank, vector_rank;
  std::optional<double> similarity;
};

// By id, the `wanted` best of both ways. by_words goes deeper than candidates do, so that what
// vectors have found has its score by words; what is not even there has none that matters.
std::map<std::int64_t, Candidate> Gather(const std::vector<ScoredChunk>& by_words,
                                         const std::vector<VectorHit>& by_vectors, int wanted) {
  std::map<std::int64_t, Candidate> candidates;
  int rank = 0;
  for (const VectorHit& hit : by_vectors) {
    candidates[hit.id] = {.chunk_id = hit.id, .vector_rank = ++rank};
  }
  rank = 0;
  for (const ScoredChunk& chunk : by_words) {
    if (++rank > wanted && !candidates.contains(chunk.id)) continue;
    Candidate& candidate = candidates[chunk.id];
    candidate.chunk_id = chunk.id;
    candidate.score = chunk.score;
    candidate.lexical_rank = rank;
  }
  return candidates;
}

// A chunk whose vector is not made yet is neither better nor worse for it than the others.
double MeanOf(const std::vector<std::optional<double>>& scores) {
  double sum = 0;
  double count = 0;
  for (const auto& score : scores) {
    sum += score.value_or(0);
    count += score ? 1 : 0;
  }
  return count > 0 ? sum / count : 0;
}

Result<std::vector<Candidate>> RankByBoth(const Retriever& by, const Wanted& query, int limit) {
  const int wanted = std::max(limit, kMinCandidates);
  const std::vector<VectorHit> nearest =
      TRY(by.vectors->Search(by.library, query.vector, static_cast<std::size_t>(wanted)));
  std::vector<Candidate> candidates;
  std::vector<std::int64_t> ids;
  for (const auto& [id, candidate] :
       Gather(TRY(by.library.RankByWords(query.words, std::max(wanted, kScoredByWords))), nearest,
              wanted)) {
    candidates.push_back(candidate);
    ids.push_back(id);
  }
  const auto by_vectors = TRY(by.vectors->Score(by.library, query.vector, ids));
  const double mean = MeanOf(by_vectors);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    candidates[i].similarity = by_vectors[i];
    candidates[i].score = kWordWeight * candidates[i].score + by_vectors[i].value_or(mean);
  }
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
  });
  return candidates;
}

Result<std::vector<Candidate>> RankByWords(Library& library, const QueryStatistics& words,
                                           int limit) {
  std::vector<Candidate> candidates;
  for (const ScoredChunk& chunk : TRY(library.RankByWords(words, limit))) {
    const int rank = static_cast<int>(candidates.size()) + 1;
    candidates.push_back({.chunk_id = chunk.id, .score = chunk.score, .lexical_rank = rank});
  }
  return candidates;
}

Result<std::vector<Candidate>> Rank(const Retriever& by, const Wanted& query, int limit) {
  return by.vectors != nullptr ? RankByBoth(by, query, limit)
                               : RankByWords(by.library, query.words, limit);
}

Result<std::vector<Passage>> ReadPassages(Library& library,
                                          const std::vector<Candidate>& candidates) {
  std::vector<std::int64_t> ids;
  ids.reserve(candidates.size());
  for (const Candidate& candidate : candidates) ids.push_back(candidate.chunk_id);
  std::vector<Passage> passages = TRY(library.ReadPassages(ids));
  // What a writer removed meanwhile is missing among them.
  auto candidate = candidates.begin();
  for (Passage& passage : passages) {
    candidate =
        std::ranges::find(candidate, candidates.end(), passage.chunk_id, &Candidate::chunk_id);
    passage.score = candidate->score;
    passage.lexical_rank = candidate->lexical_rank;
    passage.vector_rank = candidate->vector_rank;
    passage.similarity = candidate->similarity;
  }
  return passages;
}

}  // namespace

Result<std::vector<Passage>> Retriever::Search(std::string_view query, int limit) const {
  return Search(query, TRY(library.TermStatistics(query)), limit);
}

Result<std::vector<Passage>> Retriever::Search(std::string_view query, const QueryStatistics& words,
                                               int limit) const {
  if (words.terms.empty() || limit <= 0) return std::vector<Passage>();
  Wanted both{.words = words, .vector = {}};
  if (vectors != nullptr) both.vector = TRY(vectors->Embed(query));
  const auto wanted = static_cast<std::size_t>(limit);
  std::vector<Passage> passages;
  // Copies rank beside each other, and may fill any list.
  for (std::size_t depth = wanted + kMoreForCopies; depth <= kMaxDepth * (wanted + kMoreForCopies);
       depth *= 2) {
    std::vector<Candidate> candidates = TRY(Rank(*this, both, static_cast<int>(depth)));
    const bool are_all = candidates.size() < depth;
    candidates.resize(std::min(candidates.size(), depth));
    passages = FoldDuplicates(TRY(ReadPassages(library, candidates)));
    if (are_all || passages.size() >= wanted) break;
  }
  passages.resize(std::min(passages.size(), wanted));
  TRY(library.AddCopies(passages));
  return passages;
}

}  // namespace kinglet
