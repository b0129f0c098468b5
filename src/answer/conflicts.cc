// SPDX-License-Identifier: Apache-2.0
// A sentence is its frame, the words that name nothing, and its values, numbers and names. Two
// contradict each other where the frames are alike and of the values just those of the span differ:
// another year or another room beside them makes it another matter. A clause more does not.
#include "answer/conflicts.h"

#include <algorithm>
#include <array>

#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

constexpr double kLikeFrames = 0.6;  // words in common over all words
constexpr std::size_t kLeastFrame = 2;
constexpr std::size_t kLeastClause = 3;  // words of a frame that a clause may hold whole
constexpr std::array<std::string_view, 8> kNegations = {"not",    "no",      "never", "cannot",
                                                        "nobody", "without", "none",  "nor"};

struct Said {
  StemSet frame;
  std::vector<StemSet> clauses;  // the frame's parts between commas
  StemSet values;
  bool is_negated = false;
};

bool Negates(std::string_view stem) {
  return std::ranges::find(kNegations, stem) != kNegations.end() || stem.ends_with("n't") ||
         stem.ends_with("n\u2019t");
}

Said Understand(std::string_view text) {
  Said said;
  for (const Term& term : FindTerms(text, {})) {
    (term.is_name ? said.values : said.frame).insert(term.stem);
  }
  for (const WordStem& word : StemWords(text)) {
    if (!Negates(word.stem)) continue;
    said.is_negated = !said.is_negated;
    said.frame.erase(word.stem);
  }
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of(",;", begin), text.size());
    StemSet& clause = said.clauses.emplace_back();
    for (const std::string& stem : StemsOf(text.substr(begin, end - begin))) {
      if (said.frame.contains(stem)) clause.insert(stem);
    }
    begin = end + 1;
  }
  return said;
}

std::size_t Common(const StemSet& a, const StemSet& b) {
  return static_cast<std::size_t>(
      std::ranges::count_if(a, [&](const std::string& stem) { return b.contains(stem); }));
}

bool AreAlike(const StemSet& a, const StemSet& b) {
  const std::size_t common = Common(a, b);
  const std::size_t all = a.size() + b.size() - common;
  return common >= kLeastFrame &&
         static_cast<double>(common) >= kLikeFrames * static_cast<double>(all);
}

// Whether the one says in a clause all that the other does.
bool AddsAClause(const Said& more, const Said& less) {
  if (less.frame.size() < kLeastClause) return false;
  return std::ranges::any_of(more.clauses, [&](const StemSet& clause) {
    return Common(clause, less.frame) == less.frame.size() && AreAlike(clause, less.frame);
  });
}

// stated: the values of the one that stand in its span.
bool Contradict(const Said& one, const StemSet& stated, const Said& other) {
  const bool are_alike = AreAlike(one.frame, other.frame);
  const std::size_t common = Common(one.values, other.values);
  const bool same_values = common == one.values.size() && common == other.values.size();
  // A clause more may be the exception that a denial makes.
  if (one.is_negated != other.is_negated) return are_alike && same_values;
  if (!are_alike && !AddsAClause(one, other) && !AddsAClause(other, one)) return false;
  if (stated.empty() || Common(stated, other.values) > 0) return false;
  const bool rest_stands = common == one.values.size() - stated.size();
  const std::size_t others = other.values.size() - common;
  return rest_stands && others > 0 && others <= stated.size();
}

}  // namespace

std::vector<std::size_t> FindConflicts(const Window& carrier, std::string_view span,
                                       const std::vector<Term>& question,
                                       const Evidence& evidence) {
  const Said said = Understand(evidence.Text(carrier));
  StemSet stated;
  for (const std::string& stem : StemsOf(span)) {
    if (said.values.contains(stem)) stated.insert(stem);
  }
  const auto covers = [&](const Window& window) {
    return Coverage(question, window.stems, &evidence.heading_stems(window.passage));
  };
  const double asked = covers(carrier);
  std::vector<std::size_t> conflicts;
  const auto windows = evidence.windows();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    if (window.passage == carrier.passage || window.sentence_count != carrier.sentence_count)
      continue;
    if (!conflicts.empty() && windows[conflicts.back()].passage == window.passage) continue;
    if (covers(window) < asked || !Contradict(said, stated, Understand(evidence.Text(window))))
      continue;
    conflicts.push_back(i);
  }
  return conflicts;
}

}  // namespace kinglet
