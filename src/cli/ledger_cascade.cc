// SPDX-License-Identifier: Apache-2.0
// kinglet ledger cascade: from which confidence a small model's answers should be taken, learned
// from the answers that somebody judged.
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "answer/learned_acceptance.h"
#include "base/display.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/number_range.h"
#include "ledger/ledger.h"

namespace kinglet {
namespace {

constexpr double kPoints = 100;

struct CascadeFlags {
  double max_loss = 2;  // points
  std::optional<double> cost;
  std::string first;
  bool as_json = false;
};

// Those of the one first model that is asked for, or that there is.
Result<std::vector<JudgedStep>> StepsOf(const CascadeFlags& flags, Ledger& ledger) {
  std::map<std::string, std::vector<JudgedStep>> by_model;
  for (JudgedStep& step : TRY(ledger.JudgedSteps())) {
    std::vector<JudgedStep>& steps = by_model[step.first_model];
    steps.push_back(std::move(step));
  }
  if (!flags.first.empty()) return by_model[flags.first];
  if (by_model.size() == 1) return std::move(by_model.begin()->second);
  if (by_model.empty()) {
    return Error(StatusCode::kNotFound, "the ledger has no judged answer of a cascade");
  }
  std::string names;
  for (const auto& [name, steps] : by_model) names += " " + EscapeForDisplay(name);
  return Error(StatusCode::kUsage, "several models were asked first: choose with --first:{}",
               names);
}

json::object ToJson(const std::string& first, const LearnedAcceptance& learned) {
  const CascadeOutlook& outlook = learned.outlook;
  return {{"first", first},
          {"accept", std::isfinite(outlook.accept) ? json::value(outlook.accept) : json::value()},
          {"of_first", learned.of_first},
          {"of_next", learned.of_next},
          {"thumbs", learned.thumbs},
          {"accepted", outlook.accepted},
          {"useful", outlook.right},
          {"useful_next", learned.next_right},
          {"points_lost", kPoints * outlook.loss},
          {"cost", outlook.cost},
          {"cost_of", learned.in_money ? "money" : "machine_ms"}};
}

void Print(const std::string& first, const LearnedAcceptance& learned) {
  const CascadeOutlook& outlook = learned.outlook;
  const std::string name = EscapeForDisplay(first);
  if (std::isfinite(outlook.accept)) {
    fmt::print("accept {:.3f} of {}: {:.0f} % of its answers are taken\n", outlook.accept, name,
               kPoints * outlook.accepted);
  } else {
    fmt::print("accept nothing of {}: ask the larger model alone\n", name);
  }
  fmt::print("useful: {:.1f} %, of the larger model alone {:.1f} %; an answer costs {:.4g}{}\n",
             kPoints * outlook.right, kPoints * learned.next_right, outlook.cost,
             learned.in_money ? "" : " ms of the machine");
  fmt::print("from {} judged answers of {} and {} of the larger model, {} of them by thumb\n",
             learned.of_first, name, learned.of_next, learned.thumbs);
}

Result<void> LearnCascade(const CascadeFlags& flags, const LedgerOptions& options) {
  Ledger ledger = TRY(Ledger::Open(options));
  const std::vector<JudgedStep> steps = TRY(StepsOf(flags, ledger));
  const std::string first = steps.empty() ? flags.first : steps.front().first_model;
  const LearnedAcceptance learned =
      TRY(LearnAcceptance(steps, {.max_loss = flags.max_loss / kPoints, .max_cost = flags.cost}));
  if (flags.as_json) {
    fmt::print("{}\n", kinglet::ToJson(json::value(ToJson(first, learned))));
  } else {
    Print(first, learned);
  }
  return {};
}

}  // namespace

CommandRun SetUpLedgerCascade(CLI::App& app, const Environment& environment) {
  CLI::App* const cascade = app.add_subcommand(
      "cascade",
      "from which confidence to take a small model's answers, by those that were judged");
  auto flags = std::make_shared<CascadeFlags>();
  CLI::Option* const max_loss =
      cascade
          ->add_option("--max-loss", flags->max_loss,
                       "points of useful answers that may be lost against the larger model alone")
          ->check(NumberFrom(0, 100))
          ->capture_default_str();
  cascade->add_option("--cost", flags->cost, "instead: the mean cost that an answer may have")
      ->check(PositiveNumber())
      ->excludes(max_loss);
  cascade->add_option("--first", flags->first,
                      "the model that is asked first, where there are several");
  cascade->add_flag("--json", flags->as_json, "print one JSON object");
  return
      [flags, options = environment.BooksKept().ledger] { return LearnCascade(*flags, options); };
}

}  // namespace kinglet
