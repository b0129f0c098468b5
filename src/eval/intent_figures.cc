// SPDX-License-Identifier: Apache-2.0
// Each figure is a function of some of the texts, so that the bootstrap can ask for any.
#include "eval/intent_figures.h"

#include <algorithm>
#include <cmath>

namespace kinglet {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr double kRejection = 0.05;

using Indices = std::span<const std::size_t>;

// The mean of `value` over those of the indices that `counts`.
template <typename Value>
Estimate MeanOf(std::span<const JudgedIntent> judged, bool in_scope, Value value) {
  std::vector<double> values;
  for (const JudgedIntent& one : judged) {
    if (one.in_scope == in_scope) values.push_back(value(one) ? 1 : 0);
  }
  return EstimateMean(values, kSeed);
}

struct Scores {
  std::vector<double> scores;
  std::vector<bool> in_scope;
};

Scores ScoresOf(std::span<const JudgedIntent> judged, Indices some) {
  Scores scores;
  for (const std::size_t i : some) {
    scores.scores.push_back(judged[i].scope_score);
    scores.in_scope.push_back(judged[i].in_scope);
  }
  return scores;
}

double RecallAt(std::span<const JudgedIntent> judged, Indices some) {
  std::vector<double> in, out;
  for (const std::size_t i : some) {
    (judged[i].in_scope ? in : out).push_back(judged[i].scope_score);
  }
  if (in.empty() || out.empty()) return 0;
  const auto rejected = static_cast<std::ptrdiff_t>(kRejection * static_cast<double>(in.size()));
  std::ranges::nth_element(in, in.begin() + rejected);
  const double threshold = in[static_cast<std::size_t>(rejected)];
  const auto below = std::ranges::count_if(out, [&](double score) { return score < threshold; });
  return static_cast<double>(below) / static_cast<double>(out.size());
}

}  // namespace

IntentFigures FiguresOf(std::span<const JudgedIntent> judged) {
  IntentFigures figures;
  std::vector<double> confidences;
  std::vector<bool> right;
  for (const JudgedIntent& one : judged) {
    if (!one.in_scope) continue;
    confidences.push_back(one.confidence);
    right.push_back(one.right);
  }
  figures.in_scope = confidences.size();
  figures.out_of_scope = judged.size() - confidences.size();
  figures.accuracy = MeanOf(judged, true, [](const JudgedIntent& one) { return one.right; });
  figures.rejected = MeanOf(judged, true, [](const JudgedIntent& one) { return one.rejected; });
  figures.bins = CalibrationBins(confidences, right);
  figures.ece = Reflected(EstimateFigure(confidences.size(), kSeed, [&](Indices some) {
    std::vector<double> drawn;
    std::vector<bool> drawn_right;
    for (const std::size_t i : some) {
      drawn.push_back(confidences[i]);
      drawn_right.push_back(right[i]);
    }
    return CalibrationError(drawn, drawn_right);
  }));
  if (figures.in_scope == 0 || figures.out_of_scope == 0) return figures;
  figures.out = {
      .recall_at_5 = EstimateFigure(judged.size(), kSeed,
                                    [&](Indices some) { return RecallAt(judged, some); }),
      .auroc = EstimateFigure(judged.size(), kSeed,
                              [&](Indices some) {
                                const Scores drawn = ScoresOf(judged, some);
                                return Auroc(drawn.scores, drawn.in_scope);
                              }),
      .recall = MeanOf(judged, false, [](const JudgedIntent& one) { return one.rejected; })};
  return figures;
}

Result<JudgedIntent> Judge(const IntentLine& line, const Classifier& classifier,
                           Embedder* embedder) {
  const Classification result = TRY(classifier.Classify(line.text, embedder));
  return JudgedIntent{.in_scope = line.intent.has_value(),
                      .right = line.intent && *line.intent == classifier.labels()[result.best],
                      .confidence = result.confidence(),
                      .scope_score = result.scope_score,
                      .rejected = result.out_of_scope};
}

}  // namespace kinglet
