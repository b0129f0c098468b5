// SPDX-License-Identifier: Apache-2.0
// Texts that are nearly the same: MinHash over shingles of words, and banding (locality-sensitive
// hashing) to find the few that are worth comparing. Broder, "On the resemblance and containment of
// documents", 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kinglet {

// Three words: of a text in which 4 % of the words are others, 0.8 of the shingles are the same.
inline constexpr std::size_t kShingleWords = 3;
// Two texts are near duplicates from this estimate on. The standard deviation of an estimate is
// 0.035 at 0.8 and 0.044 at 0.5, so both are three of them away, or more.
inline constexpr double kNearDuplicateJaccard = 0.68;

inline constexpr std::size_t kSignatureSize = 128;
using MinHashSignature = std::array<std::uint32_t, kSignatureSize>;

// Hashes of the text's shingles, each once, ascending. A text of fewer words than a shingle has
// none.
std::vector<std::uint64_t> ShinglesOf(std::string_view utf8);

// Of two sets as ShinglesOf gives them: the share of all that are in both. Of two empty ones 0.
double Jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b);

// Unset for a text of fewer than 32 shingles: a page of a few words is like every other such page.
std::optional<MinHashSignature> SignatureOf(std::string_view utf8);

double EstimateJaccard(const MinHashSignature& a, const MinHashSignature& b);

// The texts so far that are near duplicates of none before them.
class NearDuplicateIndex {
 public:
  struct Match {
    std::int64_t id = 0;
    double jaccard = 0;  // estimated
  };

  // What the text is a near duplicate of, the most similar one; unset: of none, and from now on
  // others may be of it.
  std::optional<Match> Add(std::int64_t id, const MinHashSignature& signature);

 private:
  struct Kept {
    std::int64_t id;
    MinHashSignature signature;
  };
  std::vector<Kept> kept_;
  // By a hash of a band's number and what the signature has in it: indices into kept_.
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> buckets_;
};

}  // namespace kinglet
