// SPDX-License-Identifier: Apache-2.0
// What outcomes come to: probabilities from the others' truths, and the figures with intervals.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "eval/cluster_bootstrap.h"
#include "eval/confidence_metrics.h"
#include "eval/grounding.h"
#include "eval/system_figures.h"

namespace kinglet {
namespace {

constexpr std::size_t kFolds = 5;  // of one group

struct Truths {
  std::vector<ConfidenceFeatures> features;
  std::vector<bool> answerable;
  std::vector<bool> right;
  std::vector<bool> quoted;

  void Add(const GroundingOutcome& outcome, const Probe& probe) {
    features.push_back(outcome.features(probe));
    answerable.push_back(outcome.is_answerable());
    right.push_back(outcome.is_right());
    quoted.push_back(outcome.is_quoted());
  }
};

// The part that an outcome is judged with: its group, or a fifth where there is one group.
std::vector<std::size_t> PartsOf(std::span<const GroundingOutcome> outcomes) {
  std::map<std::string_view, std::size_t> groups;
  for (const GroundingOutcome& outcome : outcomes) {
    groups.emplace(outcome.question->group, groups.size());
  }
  std::vector<std::size_t> parts;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    // Many small groups come together in as many parts as are worth fitting.
    constexpr std::size_t kMostParts = 10;
    parts.push_back(groups.size() > 1 ? groups.at(outcomes[i].question->group) % kMostParts
                                      : i * kFolds / outcomes.size());
  }
  return parts;
}

// Probes that saw nothing of one part, or of two: the regression that judges one part learns from
// what the probe is worth where it has not been either.
class ProbesWithout {
 public:
  ProbesWithout(std::span<const GroundingOutcome> outcomes, std::span<const std::size_t> parts)
      : outcomes_(outcomes), parts_(parts) {}

  static constexpr std::size_t kNoFigure = SIZE_MAX;  // no part

  const Probe& Parts(std::size_t a, std::size_t b) {
    const auto [found, is_new] = probes_.try_emplace(std::minmax(a, b));
    if (!is_new) return found->second;
    std::vector<ProbeExample> examples;
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
      if (parts_[i] == a || parts_[i] == b) continue;
      examples.push_back({outcomes_[i].reading.state, outcomes_[i].is_answerable()});
    }
    return found->second = FitProbe(examples);
  }

 private:
  std::span<const GroundingOutcome> outcomes_;
  std::span<const std::size_t> parts_;
  std::map<std::pair<std::size_t, std::size_t>, Probe> probes_;
};

// Of the answerable questions, the share `kept` is kept, no more than it takes: the threshold of
// the scores that does it, and the share of the others that it lets through. NaN where either kind
// is missing.
double FalseAnswersWhenKept(const std::vector<double>& scores, const std::vector<bool>& answerable,
                            double kept) {
  std::vector<double> of_answerable;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (answerable[i]) of_answerable.push_back(scores[i]);
  }
  if (of_answerable.empty() || of_answerable.size() == scores.size()) return kNoFigure;
  std::ranges::sort(of_answerable, std::greater());
  const double keep = std::ceil(kept * static_cast<double>(of_answerable.size()));
  const double threshold = of_answerable[static_cast<std::size_t>(std::max(keep, 1.0)) - 1];
  double through = 0;
  double others = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (answerable[i]) continue;
    others += 1;
    through += scores[i] >= threshold ? 1 : 0;
  }
  return through / others;
}

Clusters DocumentsOf(std::span<const GroundingOutcome> outcomes) {
  std::vector<std::string> groups;
  for (const GroundingOutcome& outcome : outcomes) groups.push_back(outcome.question->group);
  return Clusters(groups);
}

// Outcomes as the figures see them.
struct Judged {
  std::span<const GroundingOutcome> outcomes;
  const Confidences& confidences;
  double threshold;
  Clusters clusters;  // documents
  std::vector<bool> is_answerable;
  std::vector<bool> is_right;
  std::vector<bool> is_quoted;
  std::vector<double> risks;

  Judged(std::span<const GroundingOutcome> of, const Confidences& with, double above)
      : outcomes(of), confidences(with), threshold(above), clusters(DocumentsOf(of)) {
    for (const GroundingOutcome& outcome : of) {
      is_answerable.push_back(outcome.is_answerable());
      is_right.push_back(outcome.is_right());
      is_quoted.push_back(outcome.is_quoted());
      risks.push_back(outcome.is_answerable() ? 1 - outcome.score.f1 : 1);
    }
  }

  bool Answers(std::size_t i) const {
    return confidences.right[i] >= threshold && !outcomes[i].reading.text.empty();
  }
  // An answer counts by its score, of an unanswerable question as nothing; none is right there.
  AnswerScore Scored(std::size_t i) const {
    if (Answers(i)) return is_answerable[i] ? outcomes[i].score : AnswerScore{};
    const double is_right_to_abstain = is_answerable[i] ? 0 : 1;
    return {.exact = is_right_to_abstain, .f1 = is_right_to_abstain};
  }
};

// What a model plainly says, in one setting or another.
using Said = std::optional<PlainAnswer> GroundingOutcome::*;

bool WasAsked(const Judged& all, Said said) {
  return !all.outcomes.empty() && (all.outcomes.front().*said).has_value();
}

std::vector<AnswerScore> ScoresOf(const Judged& all) {
  std::vector<AnswerScore> scores;
  for (std::size_t i = 0; i < all.outcomes.size(); ++i) scores.push_back(all.Scored(i));
  return scores;
}

SystemScores ScoresOfSaid(const Judged& all, const char* system, Said said) {
  SystemScores scores{.system = system};
  for (const GroundingOutcome& outcome : all.outcomes) {
    scores.scores.push_back((outcome.*said).value_or(PlainAnswer{}).score);
  }
  return scores;
}

// Means over all questions, and over the answerable ones.
void AddMeans(SystemFigures& figures, std::span<const GroundingOutcome> outcomes,
              const std::function<AnswerScore(std::size_t)>& score) {
  const auto add = [&](const char* name, double AnswerScore::* part, bool of_all) {
    figures.Add(name, [&, part, of_all](Indices some) {
      return MeanWhere(
          some, [&](std::size_t i) { return of_all || outcomes[i].is_answerable(); },
          [&](std::size_t i) { return score(i).*part; });
    });
  };
  add("em", &AnswerScore::exact, true);
  add("f1", &AnswerScore::f1, true);
  add("em_answerable", &AnswerScore::exact, false);
  add("f1_answerable", &AnswerScore::f1, false);
}

// A sentence that is shown for the answer.
using Shown = std::string GroundingOutcome::*;

// Of the answerable questions that `counts`.
void AddHoldsAnswer(SystemFigures& figures, const Judged& all, Shown shown,
                    const std::function<bool(std::size_t)>& counts) {
  std::vector<bool> holds;
  for (const GroundingOutcome& outcome : all.outcomes) {
    holds.push_back(HoldsAnswer(outcome.*shown, outcome.question->answers));
  }
  figures.Add("quote_holds_answer", [&](Indices some) {
    return Share(
        some, [&](std::size_t i) { return all.is_answerable[i] && counts(i); },
        [&](std::size_t i) { return holds[i]; });
  });
}

// Against the gold sentences, abstained or not; nothing where the data has none.
void AddQuoteFigures(SystemFigures& figures, const Judged& all, Shown shown) {
  std::vector<WordOverlap> overlaps;
  std::vector<bool> has_gold;
  std::vector<bool> is_gold;
  for (const GroundingOutcome& outcome : all.outcomes) {
    const std::vector<std::string>& gold = outcome.question->sentences;
    const std::string& quote = outcome.*shown;
    overlaps.push_back(CompareWords(quote, fmt::format("{}", fmt::join(gold, " "))));
    has_gold.push_back(!gold.empty());
    is_gold.push_back(ScoreAnswer(quote, gold).exact == 1);
  }
  if (std::ranges::count(has_gold, true) == 0) return;
  const auto counts = [&](std::size_t i) { return has_gold[i]; };
  const auto add = [&](const char* name, double WordOverlap::* part) {
    figures.Add(name, [&, part](Indices some) {
      return MeanWhere(some, counts, [&](std::size_t i) { return overlaps[i].*part; });
    });
  };
  add("quote_precision", &WordOverlap::precision);
  add("quote_recall", &WordOverlap::recall);
  add("quote_f1", &WordOverlap::f1);
  figures.Add("quote_is_gold", [&](Indices some) {
    return Share(some, counts, [&](std::size_t i) { return is_gold[i]; });
  });
}

json::object KingletFigures(const Judged& all, const SystemScores& scores) {
  const auto answers = [&](std::size_t i) { return all.Answers(i); };
  const auto answerable = [&](std::size_t i) { return all.outcomes[i].is_answerable(); };
  const auto unanswerable = [&](std::size_t i) { return !all.outcomes[i].is_answerable(); };
  SystemFigures figures(all.clusters);
  AddMeans(figures, all.outcomes, [&](std::size_t i) { return scores.scores[i]; });
  figures.Add("f1_without_abstaining", [&](Indices some) {
    const double of = Mean(some, [&](std::size_t i) { return answerable(i) ? 1.0 : 0.0; });
    const double sum = Mean(some, [&](std::size_t i) { return 1 - all.risks[i]; });
    return of == 0 ? kNoFigure : sum / of;
  });
  figures.Add("answered_share", [&](Indices some) { return Share(some, answerable, answers); });
  figures.Add("false_answer_rate",
              [&](Indices some) { return Share(some, unanswerable, answers); });
  figures.Add("false_answers_at_80", [&](Indices some) {
    return FalseAnswersWhenKept(Pick(all.confidences.answerable, some),
                                Pick(all.is_answerable, some), 0.8);
  });
  figures.Add("auroc", [&](Indices some) {
    return Auroc(Pick(all.confidences.answerable, some), Pick(all.is_answerable, some));
  });
  figures.Add("auroc_right", [&](Indices some) {
    return Auroc(Pick(all.confidences.right, some), Pick(all.is_right, some));
  });
  figures.Add("aurc", [&](Indices some) {
    return Aurc(Pick(all.confidences.right, some), Pick(all.risks, some));
  });
  figures.Add("auroc_quoted", [&](Indices some) {
    return Auroc(Pick(all.confidences.quoted, some), Pick(all.is_quoted, some));
  });
  figures.AddError("ece", [&](Indices some) {
    return CalibrationError(Pick(all.confidences.quoted, some), Pick(all.is_quoted, some));
  });
  AddHoldsAnswer(figures, all, &GroundingOutcome::quote, answers);
  AddQuoteFigures(figures, all, &GroundingOutcome::quote);
  return std::move(figures).Finish();
}

json::object FiguresOfSaid(const Judged& all, const SystemScores& scores, Said said) {
  const auto answers = [&](std::size_t i) { return !(all.outcomes[i].*said)->text.empty(); };
  SystemFigures figures(all.clusters);
  AddMeans(figures, all.outcomes, [&](std::size_t i) { return scores.scores[i]; });
  figures.Add("answered_share", [&](Indices some) {
    return Share(some, [&](std::size_t i) { return all.is_answerable[i]; }, answers);
  });
  figures.Add("false_answer_rate", [&](Indices some) {
    return Share(some, [&](std::size_t i) { return !all.is_answerable[i]; }, answers);
  });
  return std::move(figures).Finish();
}

json::object BestSentenceFigures(const Judged& all) {
  SystemFigures figures(all.clusters);
  AddHoldsAnswer(figures, all, &GroundingOutcome::best_sentence, [](std::size_t) { return true; });
  AddQuoteFigures(figures, all, &GroundingOutcome::best_sentence);
  return std::move(figures).Finish();
}

// Of the answerable questions: what the search found for them.
json::object RetrievalFigures(const Judged& all) {
  const auto counts = [&](std::size_t i) { return all.is_answerable[i]; };
  std::vector<bool> holds;
  for (const GroundingOutcome& outcome : all.outcomes) holds.push_back(outcome.is_answer_found());
  SystemFigures figures(all.clusters);
  figures.Add("gold_retrieved", [&](Indices some) {
    return Share(some, counts,
                 [&](std::size_t i) { return *all.outcomes[i].question->gold_retrieved; });
  });
  figures.Add("answer_retrieved", [&](Indices some) {
    return Share(some, counts, [&](std::size_t i) { return holds[i]; });
  });
  return std::move(figures).Finish();
}

}  // namespace

Confidences CrossFit(std::span<const GroundingOutcome> outcomes) {
  const std::vector<std::size_t> parts = PartsOf(outcomes);
  const std::vector<double> unknown(outcomes.size(), 0.5);
  Confidences confidences{unknown, unknown, unknown};
  const std::size_t count = parts.empty() ? 0 : *std::ranges::max_element(parts) + 1;
  ProbesWithout probes(outcomes, parts);
  for (std::size_t part = 0; part < count; ++part) {
    Truths others;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (parts[i] != part) others.Add(outcomes[i], probes.Parts(part, parts[i]));
    }
    if (others.features.empty()) continue;
    const LogisticModel answerable = FitLogistic(others.features, others.answerable);
    const LogisticModel right = FitLogistic(others.features, others.right);
    const LogisticModel quoted = FitLogistic(others.features, others.quoted);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (parts[i] != part) continue;
      const ConfidenceFeatures features = outcomes[i].features(probes.Parts(part, part));
      confidences.answerable[i] = answerable.Probability(features);
      confidences.right[i] = right.Probability(features);
      confidences.quoted[i] = quoted.Probability(features);
    }
  }
  return confidences;
}

Calibration Calibrate(std::span<const GroundingOutcome> outcomes) {
  const std::vector<std::size_t> parts = PartsOf(outcomes);
  ProbesWithout probes(outcomes, parts);
  Truths all;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    all.Add(outcomes[i], probes.Parts(parts[i], parts[i]));
  }
  return {.questions = static_cast<int>(outcomes.size()),
          .probe = probes.Parts(ProbesWithout::kNoFigure, ProbesWithout::kNoFigure),
          .answerable = FitLogistic(all.features, all.answerable),
          .quoted = FitLogistic(all.features, all.quoted)};
}

double BestThreshold(std::span<const GroundingOutcome> outcomes, std::span<const double> right) {
  std::vector<std::pair<double, double>> gains;  // by probability: F1 of answering over abstaining
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    gains.emplace_back(right[i], outcomes[i].is_answerable() ? outcomes[i].score.f1 : -1.0);
  }
  std::ranges::sort(gains, std::greater());
  double best = 0;
  double sum = 0;
  double threshold = 1;
  for (std::size_t i = 0; i < gains.size(); ++i) {
    sum += gains[i].second;
    if (sum <= best || (i + 1 < gains.size() && gains[i + 1].first == gains[i].first)) continue;
    best = sum;
    threshold = gains[i].first;
  }
  return threshold;
}

bool GroundingOutcome::is_answer_found() const {
  return std::ranges::any_of(*question->passages, [&](const Passage& passage) {
    return HoldsAnswer(passage.text, question->answers);
  });
}

std::vector<bool> AnswersAbove(std::span<const GroundingOutcome> outcomes,
                               const Confidences& confidences, double threshold) {
  const Judged all(outcomes, confidences, threshold);
  std::vector<bool> answers;
  for (std::size_t i = 0; i < outcomes.size(); ++i) answers.push_back(all.Answers(i));
  return answers;
}

std::vector<AnswerScore> ScoresAbove(std::span<const GroundingOutcome> outcomes,
                                     const Confidences& confidences, double threshold) {
  return ScoresOf(Judged(outcomes, confidences, threshold));
}

GroundingResult MeasureGrounding(std::span<const GroundingOutcome> outcomes,
                                 const Confidences& confidences, double threshold) {
  const Judged all(outcomes, confidences, threshold);
  GroundingResult result{.scores = {{.system = "kinglet", .scores = ScoresOf(all)}}};
  json::object systems = {{"kinglet", KingletFigures(all, result.scores.front())}};
  json::object paired;
  const auto add = [&](const char* system, Said said) {
    if (!WasAsked(all, said)) return;
    const SystemScores& scores = result.scores.emplace_back(ScoresOfSaid(all, system, said));
    systems[system] = FiguresOfSaid(all, scores, said);
    paired[fmt::format("kinglet - {}", system)] =
        CompareSystems(outcomes, result.scores.front(), scores);
  };
  add("plain", &GroundingOutcome::plain);
  add("closed_book", &GroundingOutcome::closed_book);
  systems["best_sentence"] = BestSentenceFigures(all);
  result.figures = {{"n", outcomes.size()},
                    {"groups", all.clusters.size()},
                    {"threshold", threshold},
                    {"systems", std::move(systems)},
                    {"paired", std::move(paired)}};
  if (!outcomes.empty() && outcomes.front().question->gold_retrieved)
    result.figures["retrieval"] = RetrievalFigures(all);
  return result;
}

json::object CompareSystems(std::span<const GroundingOutcome> outcomes, const SystemScores& system,
                            const SystemScores& other) {
  const Clusters clusters = DocumentsOf(outcomes);
  SystemFigures figures(clusters);
  AddMeans(figures, outcomes, [&](std::size_t i) {
    const AnswerScore& a = system.scores[i];
    const AnswerScore& b = other.scores[i];
    return AnswerScore{.exact = a.exact - b.exact, .f1 = a.f1 - b.f1};
  });
  return std::move(figures).Finish();
}

}  // namespace kinglet
