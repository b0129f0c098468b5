// SPDX-License-Identifier: Apache-2.0
// What tells claims that a passage supports from others, against people's labels: the checker's
// rule, scores by words, and a model's odds.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "eval/claim_set.h"
#include "text/language_model.h"

namespace kinglet {

// What each says of one claim; higher is better supported.
struct ClaimScores {
  double brevity = 0;      // minus its number of bytes: what a set's labels owe to length alone
  double containment = 0;  // of its words, 0..1
  double support = 0;      // SupportScore
  double odds = 0;         // of a model, natural logarithm
  bool is_kept = false;    // FindSupport finds a quote
};

struct ScoredRow {
  const ClaimRow* row = nullptr;
  std::vector<ClaimScores> claims;  // in the row's order
};

// Without a model.
std::vector<ScoredRow> ScoreByWords(std::span<const ClaimRow> rows);

// Told how many rows are done; false stops (kCancelled).
using ClaimProgress = std::function<bool(std::size_t done)>;

// Sets the odds.
Result<void> AskOdds(LanguageModel& model, std::span<ScoredRow> rows,
                     const ClaimProgress& progress);

// {"rows", "sets": {SET: {"rows", "claims", "supported", "systems": {SCORE: {"auroc", "paired",
// "wrong_kept_as_rule", "ci95"}, "rule": {"right_kept", "wrong_kept", "ci95"}}}}}. paired: of rows
// with a claim of each kind, those whose supported one has the higher score, ties half.
// wrong_kept_as_rule: of claims without support, those kept where the score keeps at least as many
// of the others as the rule does.
json::object CheckerFigures(std::span<const ScoredRow> rows, bool with_odds);

}  // namespace kinglet
