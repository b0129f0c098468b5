// SPDX-License-Identifier: Apache-2.0
// The gate's two rules: the best passage must cover enough of the question, and all that it names.
#include "answer/gate.h"

#include <algorithm>

#include <fmt/format.h>

namespace kinglet {
namespace {

// Tuned on the questions of bench/handbook that are marked "tune".
constexpr double kOffTopicCoverage = 0.35;
constexpr double kMissingCoverage = 0.5;

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
  for (std::size_t i = 0; i < evidence.passages().size(); ++i) {
    const StemSet& stems = evidence.passage_stems(i);
    const double coverage = Coverage(question, stems);
    decision.topic = std::max(decision.topic, coverage);
    // A passage that does not speak of what the question names cannot answer it.
    if (Coverage(names, stems) == 1) decision.coverage = std::max(decision.coverage, coverage);
  }
  if (decision.topic < kOffTopicCoverage) {
    decision.abstain = AbstainReason::kOffTopic;
  } else if (decision.coverage < kMissingCoverage) {
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
