// SPDX-License-Identifier: Apache-2.0
// What outcomes come to: probabilities from the others' truths, and the figures with intervals.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

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

  void Add(const GroundingOutcome& outcome, const Probe& probe) {
    features.push_back(outcome.features(probe));
    answerable.push_back(outcome.is_answerable());
    right.push_back(outcome.is_right());
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

  static constexpr std::size_t kNone = SIZE_MAX;  // no part

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

double Mean(Indices some, const std::function<double(std::size_t)>& value) {
  double sum = 0;
  for (const std::size_t i : some) sum += value(i);
  return some.empty() ? 0 : sum / static_cast<double>(some.size());
}

// The share of those that `counts` which `holds`, too.
double Share(Indices some, const std::function<bool(std::size_t)>& counts,
             const std::function<bool(std::size_t)>& holds) {
  double of = 0;
  double both = 0;
  for (const std::size_t i : some) {
    if (!counts(i)) continue;
    of += 1;
    both += holds(i) ? 1 : 0;
  }
  return of == 0 ? 0 : both / of;
}

// Of the answerable questions, `kept` are kept: the threshold of the scores that does it, and the
// share of the others that it lets through.
double FalseAnswersWhenKept(const std::vector<double>& scores, const std::vector<bool>& answerable,
                            double kept) {
  std::vector<double> of_answerable;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (answerable[i]) of_answerable.push_back(scores[i]);
  }
  if (of_answerable.empty()) return 0;
  std::ranges::sort(of_answerable, std::greater());
  const auto keep = static_cast<std::size_t>(kept * static_cast<double>(of_answerable.size()));
  const double threshold = of_answerable[std::min(keep, of_answerable.size() - 1)];
  double through = 0;
  double others = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (answerable[i]) continue;
    others += 1;
    through += scores[i] >= threshold ? 1 : 0;
  }
  return others == 0 ? 0 : through / others;
}

// Outcomes as the figures see them.
struct Judged {
  std::span<const GroundingOutcome> outcomes;
  const Confidences& confidences;
  double threshold;
  std::vector<bool> is_answerable;
  std::vector<bool> is_right;
  std::vector<double> risks;

  Judged(std::span<const GroundingOutcome> of, const Confidences& with, double above)
      : outcomes(of), confidences(with), threshold(above) {
    for (const GroundingOutcome& outcome : of) {
      is_answerable.push_back(outcome.is_answerable());
      is_right.push_back(outcome.is_right());
      risks.push_back(outcome.is_answerable() ? 1 - outcome.score.f1 : 1);
    }
  }

  bool Answers(std::size_t i) const { return confidences.right[i] >= threshold; }
  // An answer counts by its score, of an unanswerable question as nothing; none is right there.
  double Scored(std::size_t i, double score) const {
    if (!is_answerable[i]) return Answers(i) ? 0 : 1;
    return Answers(i) ? score : 0;
  }
};

json::object KingletFigures(const Judged& all) {
  const auto answers = [&](std::size_t i) { return all.Answers(i); };
  const auto answerable = [&](std::size_t i) { return all.outcomes[i].is_answerable(); };
  const auto unanswerable = [&](std::size_t i) { return !all.outcomes[i].is_answerable(); };
  SystemFigures figures(all.outcomes.size());
  figures.Add("em", [&](Indices some) {
    return Mean(some, [&](std::size_t i) { return all.Scored(i, all.outcomes[i].score.exact); });
  });
  figures.Add("f1", [&](Indices some) {
    return Mean(some, [&](std::size_t i) { return all.Scored(i, all.outcomes[i].score.f1); });
  });
  figures.Add("f1_without_abstaining", [&](Indices some) {
    const double of = Mean(some, [&](std::size_t i) { return answerable(i) ? 1.0 : 0.0; });
    const double sum = Mean(some, [&](std::size_t i) { return 1 - all.risks[i]; });
    return of == 0 ? 0 : sum / of;
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
  figures.Add("ece", [&](Indices some) {
    return CalibrationError(Pick(all.confidences.right, some), Pick(all.is_right, some));
  });
  figures.Add("quote_holds_answer", [&](Indices some) {
    return Share(
        some, [&](std::size_t i) { return answerable(i) && answers(i); },
        [&](std::size_t i) {
          return HoldsAnswer(all.outcomes[i].quote, all.outcomes[i].question->answers);
        });
  });
  return std::move(figures).Finish();
}

json::object PlainFigures(const Judged& all) {
  const auto says = [&](std::size_t i) { return !all.outcomes[i].plain.empty(); };
  SystemFigures figures(all.outcomes.size());
  figures.Add("em", [&](Indices some) {
    return Mean(some, [&](std::size_t i) { return all.outcomes[i].plain_score.exact; });
  });
  figures.Add("f1", [&](Indices some) {
    return Mean(some, [&](std::size_t i) { return all.outcomes[i].plain_score.f1; });
  });
  figures.Add("answered_share", [&](Indices some) {
    return Share(some, [&](std::size_t i) { return all.outcomes[i].is_answerable(); }, says);
  });
  figures.Add("false_answer_rate", [&](Indices some) {
    return Share(some, [&](std::size_t i) { return !all.outcomes[i].is_answerable(); }, says);
  });
  return std::move(figures).Finish();
}

json::object BestSentenceFigures(const Judged& all) {
  SystemFigures figures(all.outcomes.size());
  figures.Add("quote_holds_answer", [&](Indices some) {
    return Share(
        some, [&](std::size_t i) { return all.outcomes[i].is_answerable(); },
        [&](std::size_t i) {
          return HoldsAnswer(all.outcomes[i].best_sentence, all.outcomes[i].question->answers);
        });
  });
  return std::move(figures).Finish();
}

}  // namespace

Confidences CrossFit(std::span<const GroundingOutcome> outcomes) {
  const std::vector<std::size_t> parts = PartsOf(outcomes);
  Confidences confidences{std::vector<double>(outcomes.size(), 0.5),
                          std::vector<double>(outcomes.size(), 0.5)};
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
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (parts[i] != part) continue;
      const ConfidenceFeatures features = outcomes[i].features(probes.Parts(part, part));
      confidences.answerable[i] = answerable.Probability(features);
      confidences.right[i] = right.Probability(features);
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
          .probe = probes.Parts(ProbesWithout::kNone, ProbesWithout::kNone),
          .answerable = FitLogistic(all.features, all.answerable),
          .right = FitLogistic(all.features, all.right)};
}

Confidences Apply(const Calibration& calibration, std::span<const GroundingOutcome> outcomes) {
  Confidences confidences;
  for (const GroundingOutcome& outcome : outcomes) {
    const ConfidenceFeatures features = outcome.features(calibration.probe);
    confidences.answerable.push_back(calibration.answerable.Probability(features));
    confidences.right.push_back(calibration.right.Probability(features));
  }
  return confidences;
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

json::object GroundingFigures(std::span<const GroundingOutcome> outcomes,
                              const Confidences& confidences, double threshold,
                              bool asked_plainly) {
  const Judged all(outcomes, confidences, threshold);
  json::object systems = {{"kinglet", KingletFigures(all)}};
  if (asked_plainly) systems["plain"] = PlainFigures(all);
  systems["best_sentence"] = BestSentenceFigures(all);
  return {{"n", outcomes.size()}, {"threshold", threshold}, {"systems", std::move(systems)}};
}

}  // namespace kinglet
