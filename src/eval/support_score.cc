// SPDX-License-Identifier: Apache-2.0
// Stems of the claim, looked for in those of the passage as long runs.
#include "eval/support_score.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

// Round numbers that serve HaluEval and BEGIN alike. More weight for names, numbers, negations,
// what the question does not hold or what the closest sentences lack gains nothing
// (docs/grounding.md).
constexpr double kFragmentDoubt = 0.1;  // of a missing word's
constexpr double kLengthWords = 20;     // a claim of so many words halves its doubts

std::vector<std::string> Stems(std::string_view text) {
  std::vector<std::string> stems;
  for (WordStem& word : StemWords(text)) stems.push_back(std::move(word.stem));
  return stems;
}

struct Match {
  std::size_t words = 0;      // of the claim
  std::size_t missing = 0;    // of them
  std::size_t fragments = 0;  // that the others come from
};

// From each word on the longest run that the passage holds.
Match MatchWords(std::string_view claim, std::string_view passage) {
  const std::vector<std::string> wanted = Stems(claim);
  const std::vector<std::string> given = Stems(passage);
  std::unordered_map<std::string_view, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < given.size(); ++i) places[given[i]].push_back(i);

  Match match{.words = wanted.size()};
  for (std::size_t i = 0; i < wanted.size();) {
    std::size_t longest = 0;
    if (const auto found = places.find(wanted[i]); found != places.end()) {
      for (const std::size_t place : found->second) {
        const auto [end, unused] =
            std::mismatch(wanted.begin() + static_cast<std::ptrdiff_t>(i), wanted.end(),
                          given.begin() + static_cast<std::ptrdiff_t>(place), given.end());
        const auto begin = wanted.begin() + static_cast<std::ptrdiff_t>(i);
        longest = std::max(longest, static_cast<std::size_t>(end - begin));
      }
    }
    ++(longest == 0 ? match.missing : match.fragments);
    i += std::max<std::size_t>(longest, 1);
  }
  return match;
}

}  // namespace

double SupportScore(std::string_view claim, std::string_view passage) {
  const Match match = MatchWords(claim, passage);
  if (match.words == 0) return 0;
  const double doubts =
      static_cast<double>(match.missing) + kFragmentDoubt * static_cast<double>(match.fragments);
  return std::exp(-doubts / (1 + static_cast<double>(match.words) / kLengthWords));
}

double WordContainment(std::string_view claim, std::string_view passage) {
  const Match match = MatchWords(claim, passage);
  if (match.words == 0) return 0;
  return 1 - static_cast<double>(match.missing) / static_cast<double>(match.words);
}

}  // namespace kinglet
