// SPDX-License-Identifier: Apache-2.0
// kinglet bench MODEL: tokens a second of reading a prompt and of writing an answer, held against
// what the machine can read; start; memory.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/bench_measure.h"
#include "cli/bench_report.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/sampling_flags.h"

namespace kinglet {
namespace {

struct BenchFlags {
  std::string model;
  BenchPlan plan;
  std::string html;  // file; empty: none
  bool json = false;
  EngineOptions engine;
};

// What nobody can do was not done.
Result<void> CheckShares(const BenchResult& result) {
  for (const BenchTest& test : result.tests) {
    const double share = test.share_of_read.value_or(0);
    if (share <= 1) continue;
    return Error(StatusCode::kFailed,
                 "{} would have read {:.2f} times what these threads can read: the machine was "
                 "disturbed; measure again",
                 test.name, share);
  }
  return {};
}

Result<void> Bench(const BenchFlags& flags, const Environment& environment) {
  HandleInterrupts();
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const BenchResult result = TRY(RunBench(path, flags.plan, flags.engine, environment));
  if (flags.json) {
    fmt::print("{}\n", ToJson(BenchJson(result)));
  } else {
    fmt::print("{}", BenchTable(result));
  }
  if (!flags.html.empty()) TRY(WriteFileAtomic(flags.html, BenchHtml(result)));
  return CheckShares(result);
}

}  // namespace

CommandRun SetUpBench(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<BenchFlags>();
  flags->model = environment.settings.model.value_or("");
  app.add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant");
  app.add_option("-p,--prompt-tokens", flags->plan.prompt_tokens, "tokens of a prompt; 0: none")
      ->check(WholeFrom(0, 1'000'000));
  app.add_option("-n,--generated-tokens", flags->plan.generated_tokens,
                 "tokens of an answer; 0: none")
      ->check(WholeFrom(0, 1'000'000));
  app.add_option("-b,--streams", flags->plan.streams, "answers that are written together: 1,4")
      ->delimiter(',')
      ->check(WholeFrom(1, 256));
  app.add_option("-d,--depth", flags->plan.depths, "tokens that stand before: 0,4096")
      ->delimiter(',')
      ->check(WholeFrom(0, 1'000'000));
  app.add_option("-r,--repetitions", flags->plan.repetitions,
                 "runs of each, after one that warms up")
      ->check(WholeFrom(1, 1000));
  app.add_flag("--experts", flags->engine.count_experts,
               "of a mixture: how the tokens fell on each layer's experts");
  app.add_option("--html", flags->html, "also write a page with plots to this file");
  app.add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(app, flags->engine);
  AddKvTypeFlag(app, flags->engine);
  return [flags, environment] { return Bench(*flags, environment); };
}

}  // namespace kinglet
