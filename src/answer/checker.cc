// SPDX-License-Identifier: Apache-2.0
// Support by weighted word containment. On BEGIN, HaluEval and QAGS this plain measure separates
// supported from invented short answers about as well as small judge models do, and it costs
// microseconds.
#include "answer/checker.h"

#include <algorithm>
#include <tuple>

namespace kinglet {
namespace {

// Of the weight of a claim's own words, the share that must stand in the quote.
constexpr double kMinNewCoverage = 0.8;
// Of the weight of the words that it shares with the question, the share that must stand in the
// quote or its heading: "the first leader was N" is not carried by any sentence that holds the name
// N.
constexpr double kMinSharedCoverage = 0.5;
// A second sentence must earn its place.
constexpr double kSecondSentenceGain = 0.08;

// Scores of BestWindows, tuned on the questions of bench/handbook that are marked "tune".
constexpr double kHeadingShare =
    0.35;  // a question word in the heading counts this much of one in the text
constexpr double kPassagePrior =
    0.25;  // for the best passage of the search, less for those after it
constexpr double kLengthPenalty = 0.006;  // for each word beyond kFreeWords
constexpr int kFreeWords = 25;
constexpr int kMinWords = 8;             // captions and comments name things and say nothing
constexpr int kLeastShared = 2;          // a single word in common is chance: of what is off topic
constexpr double kMinShareOfBest = 0.7;  // what is much weaker than the best quote is only words

double LengthPenalty(const Window& window) {
  return kLengthPenalty * std::max(0, window.word_count - kFreeWords);
}

bool Overlap(const Window& a, const Window& b) {
  return a.passage == b.passage && a.begin < b.end && b.begin < a.end;
}

}  // namespace

std::optional<Support> FindSupport(const std::vector<Term>& claim,
                                   const std::vector<Term>& question, const Evidence& evidence) {
  StemSet asked;
  for (const Term& term : question) asked.insert(term.stem);
  std::vector<Term> news;  // what the claim adds to the question
  std::vector<Term> shared;
  std::vector<Term> names;
  for (const Term& term : claim) {
    (asked.contains(term.stem) ? shared : news).push_back(term);
    if (term.is_name && !asked.contains(term.stem)) names.push_back(term);
  }
  if (news.empty()) return std::nullopt;

  std::optional<Support> best;
  const auto windows = evidence.windows();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const StemSet& stems = windows[i].stems;
    if (Coverage(names, stems) < 1) continue;
    const double new_coverage = Coverage(news, stems);
    if (new_coverage < kMinNewCoverage) continue;
    const StemSet& heading = evidence.heading_stems(windows[i].passage);
    const double shared_coverage = Coverage(shared, stems, &heading);
    if (shared_coverage < kMinSharedCoverage) continue;
    double score = (new_coverage + Coverage(claim, stems)) / 2;
    if (windows[i].sentence_count > 1) score -= kSecondSentenceGain;
    score -= LengthPenalty(windows[i]);
    if (!best || score > best->score) best = Support{i, score};
  }
  return best;
}

std::vector<Support> BestWindows(const std::vector<Term>& question, const Evidence& evidence,
                                 std::size_t count) {
  double total = 0;
  for (const Term& term : question) total += term.weight;
  if (total == 0) return {};
  const double top_score = evidence.passages().empty() ? 0 : evidence.passages().front().score;

  std::vector<Support> ranked;
  const auto windows = evidence.windows();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    if (window.word_count < kMinWords) continue;
    const StemSet& heading = evidence.heading_stems(window.passage);
    double covered = 0;
    bool any = false;
    for (const Term& term : question) {
      if (window.stems.contains(term.stem)) {
        covered += term.weight;
        any = true;
      } else if (heading.contains(term.stem)) {
        covered += kHeadingShare * term.weight;
      }
    }
    if (!any) continue;
    double score = covered / total;
    if (top_score > 0)
      score += kPassagePrior * evidence.passages()[window.passage].score / top_score;
    score -= LengthPenalty(window);
    ranked.push_back({i, score});
  }
  std::ranges::sort(ranked, [](const Support& a, const Support& b) {
    return std::tie(b.score, a.window) < std::tie(a.score, b.window);
  });

  std::vector<Support> chosen;
  for (const Support& candidate : ranked) {
    if (chosen.size() == count) break;
    if (candidate.score < kMinShareOfBest * ranked.front().score) break;
    const bool overlaps = std::ranges::any_of(chosen, [&](const Support& other) {
      return Overlap(windows[other.window], windows[candidate.window]);
    });
    if (!overlaps) chosen.push_back(candidate);
  }
  return chosen;
}

std::optional<std::size_t> ClosestWindow(const std::vector<Term>& question,
                                         const Evidence& evidence) {
  const auto windows = evidence.windows();
  std::optional<std::size_t> closest;
  std::pair<double, double> most;  // similarity, words
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto& similarity = evidence.passages()[windows[i].passage].similarity;
    if (!similarity || windows[i].sentence_count > 1) continue;
    const std::pair rank(*similarity, Coverage(question, windows[i].stems));
    if (closest && rank <= most) continue;
    closest = i;
    most = rank;
  }
  if (closest) return closest;
  const std::vector<Support> by_words = BestWindows(question, evidence, 1);
  if (by_words.empty()) return std::nullopt;
  const StemSet& stems = windows[by_words.front().window].stems;
  const auto is_shared = [&](const Term& term) { return stems.contains(term.stem); };
  if (std::ranges::count_if(question, is_shared) < kLeastShared) return std::nullopt;
  return by_words.front().window;
}

}  // namespace kinglet
