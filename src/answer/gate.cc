// SPDX-License-Identifier: Apache-2.0
// The gate's two rules: the best passage must say enough of what the question does, and hold all
// that it names.
#include "answer/gate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace kinglet {
namespace {

// Of what is known of a passage: the least at which it is about the question, and at which it may
// answer.
struct Thresholds {
  double about = 0;
  double answers = 0;
};
// By words alone, tuned on the questions of bench/handbook that are marked "tune"; by words and
// vectors, on those and on half of SQuAD's for a library of their own and for the handbook.
constexpr Thresholds kByWords = {0.35, 0.5};
constexpr Thresholds kByBoth = {0.4, 0.45};
// Of the words' coverage beside the vectors' similarity.
constexpr double kCoverageWeight = 1.0 / 3;

}  // namespace

GateDecision Gate(const std::vector<Term>& question, const Evidence& evidence) {
  GateDecision decision;
  if (question.empty()) {
    decision.abstain = AbstainReason::kMissing;
    decision.explanation = "the question holds no word to look for";
    return decision;
  }
  std::vector<Term> names;
  std::ranges::copy_if(question, std::back_inserter(names), &Term::is_name);
  bool by_both = false;
  for (std::size_t i = 0; i < evidence.passages().size(); ++i) {
    const StemSet& stems = evidence.passage_stems(i);
    const double coverage = Coverage(question, stems);
    decision.coverage = std::max(decision.coverage, coverage);
    double relevance = coverage;
    if (const auto similarity = evidence.passages()[i].similarity; similarity) {
      by_both = true;
      relevance = std::lerp(*similarity, coverage, kCoverageWeight);
    }
    decision.topic = std::max(decision.topic, relevance);
    // A passage that does not speak of what the question names cannot answer it.
    if (Coverage(names, stems) == 1) decision.answers = std::max(decision.answers, relevance);
  }
  const Thresholds& least = by_both ? kByBoth : kByWords;
  if (decision.topic < least.about) {
    decision.abstain = AbstainReason::kOffTopic;
  } else if (decision.answers < least.answers) {
    decision.abstain = AbstainReason::kMissing;
  }
  if (!decision.abstain) return decision;
  std::string unknown;
  for (const Term& term : question) {
    if (term.chunk_count == 0) unknown += unknown.empty() ? term.word : ", " + term.word;
  }
  decision.explanation = unknown.empty() ? "no passage speaks of all that the question names"
                                         : fmt::format("the library never mentions: {}", unknown);
  return decision;
}

}  // namespace kinglet
