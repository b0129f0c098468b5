// SPDX-License-Identifier: Apache-2.0
// kinglet eval cascade: what a small model before a large one saves and loses, from the outcomes of
// both.
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "answer/answerer.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/number_range.h"
#include "eval/cascade_figures.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 30;
constexpr double kPoints = 100;

struct CascadeFlags {
  std::string small, large;
  std::vector<double> max_loss = {2};  // points
  double risk = kDefaultRisk;
  std::optional<double> cost_small, cost_large, cost_given_up;
  bool json = false;
};

// What is given goes before what was measured.
Result<void> SetCosts(const CascadeFlags& flags, std::vector<CascadeQuestion>& questions) {
  for (CascadeQuestion& question : questions) {
    if (flags.cost_small) question.small.cost = flags.cost_small;
    if (flags.cost_large) question.large.cost = flags.cost_large;
    question.given_up_cost = flags.cost_given_up;
    if (question.small.cost && question.large.cost) continue;
    return Error(StatusCode::kUsage,
                 "question {} has no cost in both files, which eval calibrate and eval "
                 "grounding --no-plain write: give --cost-small and --cost-large",
                 Quoted(question.id));
  }
  return {};
}

json::object ToJson(const Estimate& estimate) {
  return {{"mean", estimate.mean}, {"ci95", {estimate.low, estimate.high}}};
}

json::value AcceptOf(const CascadeSystem& system) {
  const auto& accept = system.accept;
  return accept && std::isfinite(*accept) ? json::value(*accept) : json::value();
}

json::object ToJson(const CascadeSystem& system) {
  const auto& max_loss = system.max_loss;
  return {{"system", system.name},
          {"max_loss", max_loss ? json::value(kPoints * *max_loss) : json::value()},
          {"accept", AcceptOf(system)},
          {"accepted", system.accepted},
          {"right", ToJson(system.right)},
          {"points", ToJson(system.points)},
          {"cost", system.cost},
          {"cost_per_useful_answer", system.cost_per_useful_answer},
          {"cost_per_useful_token", system.cost_per_useful_token},
          {"share_of_large", ToJson(system.share_of_large)}};
}

std::string TitleOf(const CascadeSystem& system) {
  const auto& max_loss = system.max_loss;
  if (!max_loss) return system.name;
  const auto& accept = system.accept;
  if (!accept) return "  " + system.name;
  const double points = kPoints * *max_loss;
  if (!std::isfinite(*accept)) return fmt::format("{}, -{:.3g}: none", system.name, points);
  return fmt::format("{}, -{:.3g}: {:.2f}", system.name, points, *accept);
}

void PrintTable(const CascadeFigures& figures) {
  fmt::print("{} questions in {} groups\n", figures.questions, figures.groups);
  fmt::print("{:<20} {:>8} {:>6} {:>24} {:>8} {:>8} {:>8} {:>21}\n", "", "accepted", "right",
             "points, 95 %", "cost", "/answer", "/token", "of large's, 95 %");
  for (const CascadeSystem& one : figures.systems) {
    const Estimate& points = one.points;
    const Estimate& share = one.share_of_large;
    const std::string of_points = ShowInterval(points.low, points.high, Signed<1>);
    const std::string of_share = ShowInterval(share.low, share.high, Fixed<2>);
    fmt::print("{:<20} {:>8.3f} {:>6.3f} {:>24} {:>8.4g} {:>8.4g} {:>8.4g} {:>21}\n", TitleOf(one),
               one.accepted, one.right.mean, fmt::format("{:+.1f} ({})", points.mean, of_points),
               one.cost, one.cost_per_useful_answer, one.cost_per_useful_token,
               fmt::format("{:.2f} ({})", share.mean, of_share));
  }
}

Result<void> EvaluateCascade(const CascadeFlags& flags) {
  const CascadeFile small{flags.small, TRY(ReadFile(flags.small, kMaxFileBytes))};
  const CascadeFile large{flags.large, TRY(ReadFile(flags.large, kMaxFileBytes))};
  std::vector<CascadeQuestion> questions = TRY(ReadCascade(small, large, flags.risk));
  TRY(SetCosts(flags, questions));
  std::vector<double> max_losses;
  for (const double points : flags.max_loss) max_losses.push_back(points / kPoints);
  const CascadeFigures figures = MeasureCascade(questions, max_losses);
  if (!flags.json) {
    PrintTable(figures);
    return {};
  }
  json::array systems;
  for (const CascadeSystem& system : figures.systems) systems.push_back(ToJson(system));
  fmt::print("{}\n", kinglet::ToJson(json::object{{"questions", figures.questions},
                                                  {"groups", figures.groups},
                                                  {"systems", std::move(systems)}}));
  return {};
}

}  // namespace

CommandRun SetUpEvalCascade(CLI::App& app) {
  CLI::App* cascade = app.add_subcommand(
      "cascade", "a small model first, a large one where that is unsure: what it saves and loses");
  auto flags = std::make_shared<CascadeFlags>();
  cascade->add_option("SMALL", flags->small, "outcomes of eval grounding or eval calibrate")
      ->required();
  cascade->add_option("LARGE", flags->large, "those of the large model, of the same questions")
      ->required();
  cascade
      ->add_option("--max-loss", flags->max_loss,
                   "points of right answers that may be lost against the large model; several "
                   "times, for a cascade each")
      ->check(NumberFrom(0, 100))
      ->capture_default_str();
  cascade
      ->add_option("--risk", flags->risk,
                   "a model abstains where its quote answers with less than 1 - RISK of "
                   "probability")
      ->check(NumberFrom(0, 1))
      ->capture_default_str();
  cascade
      ->add_option("--cost-small", flags->cost_small,
                   "of an answer of the small model; default: the cost in the file")
      ->check(PositiveNumber());
  cascade->add_option("--cost-large", flags->cost_large, "of one of the large model, likewise")
      ->check(PositiveNumber());
  cascade
      ->add_option("--cost-given-up", flags->cost_given_up,
                   "of one of the small model that is not taken, and ends before it is written; "
                   "default: as of one that is")
      ->check(PositiveNumber());
  cascade->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return EvaluateCascade(*flags); };
}

}  // namespace kinglet
