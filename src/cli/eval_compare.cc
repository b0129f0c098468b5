// SPDX-License-Identifier: Apache-2.0
// kinglet eval compare: two runs of the same questions, and whether the newer one is worse.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output_files.h"
#include "eval/junit.h"
#include "eval/outcome_compare.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 30;

struct CompareFlags {
  std::string old_file;
  std::string new_file;
  std::vector<std::string> fail_if;
  std::string junit;
  bool json = false;
};

Result<OutcomeTable> Read(const std::string& file) {
  auto table = ParseOutcomes(TRY(ReadFile(file, kMaxFileBytes)));
  if (!table) return std::unexpected(table.error().WithContext(EscapeForDisplay(file)));
  return table;
}

Result<std::vector<ChangeBound>> ReadBounds(const CompareFlags& flags,
                                            const std::vector<MetricChange>& changes) {
  std::vector<ChangeBound> bounds;
  for (const std::string& text : flags.fail_if) {
    bounds.push_back(TRY(ParseChangeBound(text)));
    if (std::ranges::find(changes, bounds.back().metric, &MetricChange::metric) != changes.end())
      continue;
    std::string metrics;
    for (const MetricChange& change : changes) {
      metrics += fmt::format("{}{}", metrics.empty() ? "" : ", ", change.metric);
    }
    return Error(StatusCode::kUsage, "there is no metric {}: the files have {}",
                 Quoted(bounds.back().metric), metrics);
  }
  return bounds;
}

// The bounds that a change breaks, as they were given.
std::string BrokenBounds(const MetricChange& change, const std::vector<ChangeBound>& bounds) {
  std::string broken;
  for (const ChangeBound& bound : bounds) {
    if (Breaks(change, bound)) broken += (broken.empty() ? "" : ", ") + bound.text;
  }
  return broken;
}

std::string LineOf(const MetricChange& change) {
  return fmt::format(
      "{:.3f} -> {:.3f}, {:+.2f} points, 95 %: {}; {} better, {} worse, {} the same, p = {:.3g}",
      change.old_mean, change.new_mean, change.points.mean,
      ShowInterval(change.points.low, change.points.high, Signed<2>), change.better, change.worse,
      change.same, change.p);
}

json::object ToJson(const MetricChange& change, const std::string& broken) {
  return {{"metric", change.metric},
          {"old", change.old_mean},
          {"new", change.new_mean},
          {"points", change.points.mean},
          {"ci95", {change.points.low, change.points.high}},
          {"better", change.better},
          {"worse", change.worse},
          {"same", change.same},
          {"p", change.p},
          {"broken", broken.empty() ? json::value() : json::value(broken)}};
}

Result<void> Compare(const CompareFlags& flags) {
  const std::vector<std::string> inputs = {flags.old_file, flags.new_file};
  TRY(CheckOutputs({{"--junit", flags.junit}}, inputs));
  const OutcomeTable old_run = TRY(Read(flags.old_file));
  const OutcomeTable new_run = TRY(Read(flags.new_file));
  const std::vector<MetricChange> changes = TRY(CompareOutcomes(old_run, new_run));
  const std::vector<ChangeBound> bounds = TRY(ReadBounds(flags, changes));
  std::vector<JUnitCase> cases;
  json::array metrics;
  std::string all_broken;
  if (!flags.json) {
    fmt::print("{}: {} questions in {} groups\n", EscapeForDisplay(new_run.name()),
               new_run.ids.size(), new_run.group_count());
  }
  for (const MetricChange& change : changes) {
    const std::string broken = BrokenBounds(change, bounds);
    const std::string line = LineOf(change);
    if (!broken.empty()) all_broken += (all_broken.empty() ? "" : ", ") + broken;
    cases.push_back({.name = change.metric,
                     .failure = broken.empty() ? "" : fmt::format("{}: {}", broken, line),
                     .output = line});
    metrics.push_back(ToJson(change, broken));
    if (!flags.json) {
      fmt::print("  {:<16} {}{}\n", EscapeForDisplay(change.metric), line,
                 broken.empty() ? "" : ", BROKEN");
    }
  }
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(json::object{{"task", new_run.name()},
                                                    {"questions", new_run.ids.size()},
                                                    {"groups", new_run.group_count()},
                                                    {"metrics", std::move(metrics)}}));
  }
  if (!flags.junit.empty()) {
    TRY(WriteFileAtomic(flags.junit, JUnitXml(new_run.name() + " compared", cases)));
  }
  if (all_broken.empty()) return {};
  return Error(StatusCode::kFailed, "the new run is worse: {}", all_broken);
}

}  // namespace

CommandRun SetUpEvalCompare(CLI::App& app) {
  CLI::App* compare =
      app.add_subcommand("compare", "two runs of the same questions: better, worse, how sure");
  compare->option_defaults()->always_capture_default();
  auto flags = std::make_shared<CompareFlags>();
  compare->add_option("OLD", flags->old_file, "what --outcomes of an eval wrote")->required();
  compare->add_option("NEW", flags->new_file, "those of the run that is judged")->required();
  compare->add_option("--fail-if", flags->fail_if,
                      "METRIC<POINTS, like em<-1: exit status 1 where the change is below it and "
                      "its 95 % interval below 0; several times");
  AddOutputFlag(*compare, "--junit", flags->junit,
                "writes JUnit's XML to this file, a test for each metric");
  compare->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return Compare(*flags); };
}

}  // namespace kinglet
