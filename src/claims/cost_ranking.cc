// SPDX-License-Identifier: Apache-2.0
// Four systems, the same questions: small and large, with what a search finds and without.
#include "claims/cost_ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "claims/asked_questions.h"
#include "claims/figures.h"
#include "claims/model_shape.h"

namespace kinglet {
namespace {

constexpr double kGiga = 1e9;
constexpr double kFlopsPerWeight = 2;  // of a token: a product and a sum

using Some = std::span<const std::size_t>;
using Column = std::vector<double> CostedReplies::*;

double Sum(const std::vector<double>& values, Some some) {
  double sum = 0;
  for (const std::size_t i : some) sum += values[i];
  return sum;
}

// A figure of useful replies, of which there may be none.
std::string ShowOrNone(const Figure& figure) {
  return std::isfinite(figure.value) ? ShowFigure(figure) : "none useful";
}

// What of a column one useful reply takes; infinite where there is none.
double PerUseful(const CostedReplies& system, Column column, Column useful, Some some) {
  const double count = Sum(system.*useful, some);
  if (count == 0) return std::numeric_limits<double>::infinity();
  return Sum(system.*column, some) / count;
}

std::vector<double> PerUseful(std::span<const CostedReplies> systems, Column column, Column useful,
                              Some some) {
  std::vector<double> each;
  for (const CostedReplies& system : systems) {
    each.push_back(PerUseful(system, column, useful, some));
  }
  return each;
}

std::vector<double> FlopsOf(std::span<const CostedReplies> systems, Some some) {
  std::vector<double> each;
  for (const CostedReplies& system : systems) each.push_back(Sum(system.flops, some));
  return each;
}

// From 1, the least first.
std::string RankOf(const std::vector<double>& values, std::size_t i) {
  return fmt::format(
      "{}", 1 + std::ranges::count_if(values, [&](double other) { return other < values[i]; }));
}

std::vector<std::size_t> AllOf(const CostedReplies& system) {
  std::vector<std::size_t> all(system.useful.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

Estimate SecondsPerUseful(const CostedReplies& system, const Clusters& clusters) {
  return clusters.EstimateFigure([&](Some some) {
    return PerUseful(system, &CostedReplies::machine_ms, &CostedReplies::useful, some) /
           kMsPerSecond;
  });
}

FindingTable SystemTable(std::span<const CostedReplies> systems, const Clusters& clusters,
                         const Prices& prices) {
  FindingTable table{
      .title = "What a useful reply takes",
      .columns = {"system", "useful replies", "machine s a question", "machine s a useful reply",
                  "J a useful reply", "cost of a useful reply", "GFLOPs a question", "rank by cost",
                  "rank by FLOPs", "rank by cost of a right answer"}};
  const std::vector<std::size_t> all = AllOf(systems.front());
  const auto count = static_cast<double>(all.size());
  const auto ms = &CostedReplies::machine_ms;
  const std::vector<double> flops = FlopsOf(systems, all);
  const std::vector<double> costs = PerUseful(systems, ms, &CostedReplies::useful, all);
  const std::vector<double> answers = PerUseful(systems, ms, &CostedReplies::answered, all);
  for (std::size_t i = 0; i < systems.size(); ++i) {
    const CostedReplies& system = systems[i];
    table.rows.push_back({system.name, ShowEstimate(clusters.EstimateMean(system.useful)),
                          fmt::format("{:.2f}", Sum(system.machine_ms, all) / count / kMsPerSecond),
                          ShowSeconds(system, clusters),
                          ShowOrNone({.value = PerUseful(system, &CostedReplies::joules,
                                                         &CostedReplies::useful, all)}),
                          ShowCost(system, prices), fmt::format("{:.0f}", flops[i] / count / kGiga),
                          RankOf(costs, i), RankOf(flops, i), RankOf(answers, i)});
  }
  return table;
}

// How often in samples of the questions the one of the two that takes fewer FLOPs costs more.
FindingTable PairTable(std::span<const CostedReplies> systems, const Clusters& clusters) {
  FindingTable table{.title = "Pairs: fewer FLOPs, but dearer by the useful reply",
                     .columns = {"fewer FLOPs", "more FLOPs", "share of samples"}};
  const std::vector<double> flops = FlopsOf(systems, AllOf(systems.front()));
  for (std::size_t a = 0; a < systems.size(); ++a) {
    for (std::size_t b = 0; b < systems.size(); ++b) {
      if (flops[a] >= flops[b]) continue;
      std::size_t samples = 0;
      std::size_t dearer = 0;
      clusters.EstimateFigure([&](Some some) {
        const auto cost = [&](std::size_t i) {
          return PerUseful(systems[i], &CostedReplies::machine_ms, &CostedReplies::useful, some);
        };
        ++samples;
        if (cost(a) > cost(b)) ++dearer;
        return 0.0;
      });
      table.rows.push_back(
          {systems[a].name, systems[b].name,
           fmt::format("{:.3f}", static_cast<double>(dearer) / static_cast<double>(samples))});
    }
  }
  return table;
}

void AddPlot(std::span<const CostedReplies> systems, const Clusters& clusters, Finding& finding) {
  FindingPlot plot{.kind = FindingPlot::Kind::kPoints,
                   .title = "FLOPs against what a useful reply takes",
                   .x_label = "GFLOPs a question",
                   .y_label = "machine s a useful reply"};
  const std::vector<std::size_t> all = AllOf(systems.front());
  for (const CostedReplies& system : systems) {
    const Estimate seconds = SecondsPerUseful(system, clusters);
    if (!std::isfinite(seconds.high)) {
      finding.caveats.push_back(
          fmt::format("The plot leaves out {}: many samples of the questions have no useful reply "
                      "of it, so that its interval has no end.",
                      system.name));
      continue;
    }
    const double flops = Sum(system.flops, all) / static_cast<double>(all.size()) / kGiga;
    plot.series.push_back({.name = system.name,
                           .points = {{.label = system.name,
                                       .x = flops,
                                       .y = seconds.mean,
                                       .interval = std::pair(seconds.low, seconds.high)}}});
  }
  finding.plots.push_back(std::move(plot));
}

}  // namespace

CostedReplies CostsOf(std::string name, std::span<const GroundingOutcome> outcomes,
                      const GivenAnswers& answers) {
  CostedReplies system{.name = std::move(name)};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const GroundingOutcome& outcome = outcomes[i];
    const bool is_right = answers.unabstained[i].f1 >= kRightF1;
    system.answered.push_back(outcome.is_answerable() && is_right ? 1 : 0);
    system.useful.push_back(answers.scores[i].f1 >= kRightF1 ? 1 : 0);
    system.machine_ms.push_back(outcome.cost.machine_ms);
    system.joules.push_back(outcome.cost.joules);
  }
  return system;
}

std::string ShowSeconds(const CostedReplies& system, const Clusters& clusters) {
  return ShowOrNone(Plain(SecondsPerUseful(system, clusters)));
}

std::string ShowCost(const CostedReplies& system, const Prices& prices) {
  const std::vector<std::size_t> all = AllOf(system);
  LedgerLine bill{
      .machine_ms = PerUseful(system, &CostedReplies::machine_ms, &CostedReplies::useful, all),
      .joules = PerUseful(system, &CostedReplies::joules, &CostedReplies::useful, all)};
  SetCost(prices, bill);
  const auto& cost = bill.cost;
  if (!cost) return "no price set";
  return ShowOrNone({.value = *cost, .unit = bill.currency});
}

std::size_t CountSwaps(std::span<const double> one, std::span<const double> other) {
  std::size_t count = 0;
  for (std::size_t a = 0; a < one.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if ((one[a] < one[b] && other[a] > other[b]) || (one[a] > one[b] && other[a] < other[b])) {
        ++count;
      }
    }
  }
  return count;
}

Finding StateRanking() {
  return {.claim = "What a useful answer costs ranks systems otherwise than FLOPs do",
          .hypothesis =
              "of the six pairs of four systems at least one stands the other way round "
              "when machine time by the useful reply ranks them instead of FLOPs by the "
              "question: above 0.5 pairs",
          .data =
              "Questions of --data, half of them answerable, drawn by the seed; a library of "
              "all its paragraphs.",
          .metric =
              "Pairs in another order. A reply is useful that is right (F1 of 0.5 or more), "
              "or rightly none; FLOPs are twice the weights that each token is multiplied with, "
              "by tokens computed; intervals draw whole articles.",
          .bound = Bound{.side = Side::kAbove, .at = 0.5}};
}

void JudgeRanking(std::span<const CostedReplies> systems, const Clusters& clusters,
                  const Prices& prices, Finding& finding) {
  Figure figure = Plain(clusters.EstimateFigure([&](Some some) {
    const auto costs = PerUseful(systems, &CostedReplies::machine_ms, &CostedReplies::useful, some);
    return static_cast<double>(CountSwaps(costs, FlopsOf(systems, some)));
  }));
  finding.tables.push_back(SystemTable(systems, clusters, prices));
  finding.tables.push_back(PairTable(systems, clusters));
  AddPlot(systems, clusters, finding);
  const std::size_t pairs = systems.size() * (systems.size() - 1) / 2;
  const std::string why = fmt::format(
      "Of {} pairs {} stand the other way round; the second table has how sure that is "
      "of each.",
      pairs, ShowFigure(figure));
  Conclude(finding, std::move(figure), why);
}

Result<void> TestRanking(const ClaimSetup& setup, Finding& finding) {
  const ClaimQuestions questions = TRY(DrawClaimQuestions(setup, TRY(ReadClaimData(setup))));
  std::vector<CostedReplies> systems;
  for (const Part model : {Part::kSmall, Part::kLarge}) {
    const double weights = TRY(ReadShape(setup.file(model))).body;
    for (const Asking asking : {Asking::kReads, Asking::kClosedBook}) {
      const auto outcomes = TRY(AskModel(setup, model, asking, questions));
      systems.push_back(CostsOf(fmt::format("{}, {}", setup.name(model),
                                            asking == Asking::kReads ? "retrieved" : "by itself"),
                                outcomes, AnswersOf(outcomes, asking)));
      for (const GroundingOutcome& outcome : outcomes) {
        systems.back().flops.push_back(kFlopsPerWeight * weights * outcome.cost.computed_tokens);
      }
      finding.systems.push_back(systems.back().name);
    }
  }
  finding.caveats = {
      "Half of the questions have no answer. A model by itself never abstains and so has nothing "
      "of them; the last column ranks by right answers of the other half, without abstaining.",
      "Machine time is that of this machine while it ran; a machine that did other work meanwhile "
      "makes what ran then look dearer.",
      "Left out of the FLOPs are attention's own, those of the search, and those of the output "
      "matrix, which only tokens that are written are multiplied with."};
  JudgeRanking(systems, Clusters(questions.groups()), setup.prices, finding);
  finding.commands = {
      fmt::format("kinglet eval claims d --small SMALL --large LARGE --data FILE "
                  "--limit {} --seed {} --work DIR",
                  setup.limit, setup.seed)};
  return {};
}

}  // namespace kinglet
