// SPDX-License-Identifier: Apache-2.0
// Candidates from both ways, then one score for each: a weighted sum of what words and vectors say.
#include "knowledge/retriever.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

namespace kinglet {
namespace {

constexpr int kMinCandidates = 100;  // of each way
// Of the words' score beside the vectors' cosine, chosen on three collections: between 0.3 and 0.5
// nothing changes much.
constexpr double kWordWeight = 0.4;

struct Candidate {
  std::int64_t chunk_id = 0;
  double score = 0;
  std::optional<int> lexical_rank, vector_rank;
};

// By id, with the ranks of both ways; scores by words of those that words have found.
std::map<std::int64_t, Candidate> Gather(const std::vector<ScoredChunk>& by_words,
                                         const std::vector<VectorHit>& by_vectors) {
  std::map<std::int64_t, Candidate> candidates;
  int rank = 0;
  for (const ScoredChunk& chunk : by_words) {
    candidates[chunk.id] = {chunk.id, chunk.score, ++rank, std::nullopt};
  }
  rank = 0;
  for (const VectorHit& hit : by_vectors) {
    Candidate& candidate = candidates[hit.id];
    candidate.chunk_id = hit.id;
    candidate.vector_rank = ++rank;
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

Result<std::vector<Candidate>> RankByBoth(const Retriever& by, std::string_view query,
                                          const QueryStatistics& words, int limit) {
  const int wanted = std::max(limit, kMinCandidates);
  const QueryVectors vectors =
      TRY(by.vectors->Search(by.library, query, static_cast<std::size_t>(wanted)));
  std::vector<Candidate> candidates;
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> without_words;  // found by vectors alone
  for (const auto& [id, candidate] :
       Gather(TRY(by.library.RankByWords(words, wanted)), vectors.chunks)) {
    candidates.push_back(candidate);
    ids.push_back(id);
    if (!candidate.lexical_rank) without_words.push_back(id);
  }
  const auto by_vectors = TRY(by.vectors->Score(by.library, vectors.query, ids));
  const auto by_words = TRY(by.library.ScoreByWords(words, without_words));
  const double mean = MeanOf(by_vectors);
  std::size_t next = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Candidate& candidate = candidates[i];
    if (!candidate.lexical_rank) candidate.score = by_words[next++];
    candidate.score = kWordWeight * candidate.score + by_vectors[i].value_or(mean);
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
    candidates.push_back({chunk.id, chunk.score, rank, std::nullopt});
  }
  return candidates;
}

}  // namespace

Result<std::vector<Passage>> Retriever::Search(std::string_view query, int limit) const {
  const QueryStatistics words = TRY(library.TermStatistics(query));
  if (words.terms.empty() || limit <= 0) return std::vector<Passage>();
  std::vector<Candidate> candidates = vectors != nullptr
                                          ? TRY(RankByBoth(*this, query, words, limit))
                                          : TRY(RankByWords(library, words, limit));
  candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(limit)));
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
  }
  return passages;
}

}  // namespace kinglet
