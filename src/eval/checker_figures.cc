// SPDX-License-Identifier: Apache-2.0
// The rows of a passage are drawn together, with all their claims.
#include "eval/checker_figures.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "answer/checker.h"
#include "answer/evidence.h"
#include "eval/cluster_bootstrap.h"
#include "eval/confidence_metrics.h"
#include "eval/entailment.h"
#include "eval/passage_statistics.h"
#include "eval/support_score.h"
#include "eval/system_figures.h"

namespace kinglet {
namespace {

constexpr std::size_t kRowsAtOnce = 8;
// Of the odds beside the logarithm of the score by words.
constexpr double kOddsWeight = 0.1;

using Score = double (*)(const ClaimScores&);

double BothOf(const ClaimScores& scores) {
  constexpr double kLeast = 1e-30;  // rather than the logarithm of nothing
  return std::log(std::max(scores.support, kLeast)) + kOddsWeight * scores.odds;
}

std::vector<std::pair<const char*, Score>> ScoresOf(bool with_odds) {
  std::vector<std::pair<const char*, Score>> scores = {
      {"brevity", [](const ClaimScores& of) { return of.brevity; }},
      {"containment", [](const ClaimScores& of) { return of.containment; }},
      {"support", [](const ClaimScores& of) { return of.support; }}};
  if (with_odds) {
    scores.emplace_back("odds", [](const ClaimScores& of) { return of.odds; });
    scores.emplace_back("both", BothOf);
  }
  return scores;
}

// Claims of some rows, one after the other, as a score sees them.
struct Judged {
  std::vector<double> scores;
  std::vector<bool> labels;
  std::vector<bool> kept;  // by the rule

  Judged(std::span<const ScoredRow* const> rows, Indices some, Score score) {
    for (const std::size_t i : some) {
      for (std::size_t claim = 0; claim < rows[i]->claims.size(); ++claim) {
        scores.push_back(score(rows[i]->claims[claim]));
        labels.push_back(rows[i]->row->claims[claim].is_supported);
        kept.push_back(rows[i]->claims[claim].is_kept);
      }
    }
  }

  // Of the claims with this label, those that are kept.
  double KeptShare(bool label, const std::function<bool(std::size_t)>& is_kept) const {
    double of = 0;
    double both = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != label) continue;
      of += 1;
      both += is_kept(i) ? 1 : 0;
    }
    return of == 0 ? kNoFigure : both / of;
  }
  double KeptByRule(bool label) const {
    return KeptShare(label, [&](std::size_t i) { return kept[i]; });
  }

  double WrongKeptAsRule() const {
    std::vector<double> right;
    std::size_t keep = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (!labels[i]) continue;
      right.push_back(scores[i]);
      keep += kept[i] ? 1 : 0;
    }
    if (right.empty()) return kNoFigure;
    if (keep == 0) return 0;
    std::ranges::sort(right, std::greater());
    const double threshold = right[keep - 1];
    return KeptShare(false, [&](std::size_t i) { return scores[i] >= threshold; });
  }
};

// Pairs of claims of one row, one supported and one not, that the score ranks right.
double PairedShare(std::span<const ScoredRow* const> rows, Indices some, Score score) {
  double pairs = 0;
  double won = 0;
  for (const std::size_t i : some) {
    const ScoredRow& row = *rows[i];
    for (std::size_t a = 0; a < row.claims.size(); ++a) {
      if (!row.row->claims[a].is_supported) continue;
      for (std::size_t b = 0; b < row.claims.size(); ++b) {
        if (row.row->claims[b].is_supported) continue;
        const double of_a = score(row.claims[a]);
        const double of_b = score(row.claims[b]);
        pairs += 1;
        won += of_a == of_b ? 0.5 : of_a > of_b ? 1 : 0;
      }
    }
  }
  return pairs == 0 ? kNoFigure : won / pairs;
}

json::object SetFigures(std::span<const ScoredRow* const> rows, bool with_odds) {
  const bool has_pairs =
      std::ranges::any_of(rows, [](const ScoredRow* row) { return row->claims.size() > 1; });
  // What is said of one passage is right or wrong together.
  std::vector<std::string> passages;
  for (const ScoredRow* const row : rows) passages.push_back(row->row->passage);
  const Clusters clusters(passages);
  json::object systems;
  for (const auto& [name, score] : ScoresOf(with_odds)) {
    SystemFigures figures(clusters);
    figures.Add("auroc", [&](Indices some) {
      const Judged judged(rows, some, score);
      return Auroc(judged.scores, judged.labels);
    });
    if (has_pairs)
      figures.Add("paired", [&](Indices some) { return PairedShare(rows, some, score); });
    figures.Add("wrong_kept_as_rule",
                [&](Indices some) { return Judged(rows, some, score).WrongKeptAsRule(); });
    systems[name] = std::move(figures).Finish();
  }
  const Score none = [](const ClaimScores&) { return 0.0; };
  SystemFigures rule(clusters);
  rule.Add("right_kept", [&](Indices some) { return Judged(rows, some, none).KeptByRule(true); });
  rule.Add("wrong_kept", [&](Indices some) { return Judged(rows, some, none).KeptByRule(false); });
  systems["rule"] = std::move(rule).Finish();

  std::size_t claims = 0;
  std::size_t supported = 0;
  for (const ScoredRow* row : rows) {
    claims += row->claims.size();
    supported += static_cast<std::size_t>(
        std::ranges::count(row->row->claims, true, &LabelledClaim::is_supported));
  }
  return {{"rows", rows.size()},
          {"passages", clusters.size()},
          {"claims", claims},
          {"supported", supported},
          {"systems", std::move(systems)}};
}

// As evidence and prompts have it.
Passage PassageOf(const ClaimRow& row) { return {.text = row.passage}; }

}  // namespace

std::vector<ScoredRow> ScoreByWords(std::span<const ClaimRow> rows) {
  PassageStatistics statistics;
  for (const ClaimRow& row : rows) statistics.Add(row.passage);
  std::vector<ScoredRow> scored;
  for (const ClaimRow& row : rows) {
    const Evidence evidence({PassageOf(row)});
    const std::vector<Term> question = statistics.TermsOf(row.question);
    ScoredRow& of_row = scored.emplace_back(ScoredRow{.row = &row, .claims = {}});
    for (const LabelledClaim& claim : row.claims) {
      of_row.claims.push_back(
          {.brevity = -static_cast<double>(claim.text.size()),
           .containment = WordContainment(claim.text, row.passage),
           .support = SupportScore(claim.text, row.passage),
           .is_kept = FindSupport(statistics.TermsOf(claim.text), question, evidence).has_value()});
    }
  }
  return scored;
}

Result<void> AskOdds(LanguageModel& model, std::span<ScoredRow> rows,
                     const ClaimProgress& progress) {
  const YesOrNo yes_or_no(model);
  for (std::size_t done = 0; done < rows.size();) {
    const auto some = rows.subspan(done, std::min(kRowsAtOnce, rows.size() - done));
    std::vector<GenerationRequest> requests;
    std::vector<ClaimScores*> asked;
    for (ScoredRow& row : some) {
      const Passage passage = PassageOf(*row.row);
      for (std::size_t i = 0; i < row.claims.size(); ++i) {
        requests.push_back(TRY(EntailmentRequest(model, yes_or_no, std::span(&passage, 1),
                                                 row.row->question, row.row->claims[i].text)));
        asked.push_back(&row.claims[i]);
      }
    }
    const std::vector<GenerationResult> results = TRY(model.GenerateAll(requests, nullptr));
    for (std::size_t i = 0; i < asked.size(); ++i) {
      asked[i]->odds = yes_or_no.LogOdds(results[i].candidate_logprobs);
    }
    done += some.size();
    if (!progress(done)) return Error(StatusCode::kCancelled, "interrupted");
  }
  return {};
}

json::object CheckerFigures(std::span<const ScoredRow> rows, bool with_odds) {
  std::map<std::string_view, std::vector<const ScoredRow*>> sets;
  for (const ScoredRow& row : rows) sets[row.row->set].push_back(&row);
  json::object figures;
  for (const auto& [name, of_set] : sets) figures[name] = SetFigures(of_set, with_odds);
  return {{"rows", rows.size()}, {"sets", std::move(figures)}};
}

}  // namespace kinglet
