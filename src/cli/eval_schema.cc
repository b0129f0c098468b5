// SPDX-License-Identifier: Apache-2.0
// kinglet eval schema: what the compiler of schemas makes of many of them, and how fast masks are.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/digest.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/open_engine.h"
#include "cli/output_files.h"
#include "eval/outcome_lines.h"
#include "eval/schema_suite.h"
#include "grammar/grammar_constraint.h"

namespace kinglet {
namespace {

struct SchemaFlags {
  std::string model;
  std::string cases;
  std::string outcomes;
  bool json = false;
};

struct SchemaTotals {
  std::size_t cases = 0;
  std::size_t right = 0;
  std::size_t refused = 0;
  std::size_t invalid_accepted = 0;
  std::size_t valid_refused = 0;
  std::vector<double> mask_us, compile_ms, first_mask_ms;

  void Add(SchemaOutcome outcome) {
    ++cases;
    right += outcome.right() ? 1 : 0;
    refused += outcome.refusal.empty() ? 0 : 1;
    invalid_accepted += outcome.invalid_accepted;
    valid_refused += outcome.valid_refused;
    compile_ms.push_back(outcome.compile_ms);
    if (outcome.refusal.empty()) first_mask_ms.push_back(outcome.first_mask_ms);
    mask_us.insert(mask_us.end(), outcome.mask_us.begin(), outcome.mask_us.end());
  }
};

// The value that a share of all are not above; 0 of none.
double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

json::object Quantiles(std::vector<double>& values) {
  return {{"p50", Quantile(values, 0.5)},
          {"p99", Quantile(values, 0.99)},
          {"p999", Quantile(values, 0.999)},
          {"max", Quantile(values, 1)}};
}

void PrintQuantiles(std::string_view name, std::vector<double>& values) {
  fmt::print("{:<16} p50 {:>8.1f}  p99 {:>8.1f}  p99.9 {:>8.1f}  max {:>8.1f}\n", name,
             Quantile(values, 0.5), Quantile(values, 0.99), Quantile(values, 0.999),
             Quantile(values, 1));
}

OutcomeLine LineOf(const SchemaCase& schema_case, const SchemaOutcome& outcome) {
  OutcomeLine line{.id = schema_case.id, .scores = {{"right", outcome.right() ? 1 : 0}}};
  if (!outcome.refusal.empty()) line.shown["refusal"] = outcome.refusal;
  line.shown["invalid_accepted"] = outcome.invalid_accepted;
  line.shown["valid_refused"] = outcome.valid_refused;
  return line;
}

Result<void> EvaluateSchemas(const SchemaFlags& flags, const Environment& environment) {
  const std::vector<std::string> inputs = {flags.model, flags.cases};
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}}, inputs));
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const std::unique_ptr<Tokenizer> tokenizer = TRY(OpenTokenizer(path));
  const std::vector<SchemaCase> cases = TRY(ReadSchemaCases(flags.cases));
  const json::object run = {{"task", "schema"},
                            {"model", path.filename().string()},
                            {"data", TRY(Sha256OfFile(flags.cases))}};
  const auto trie = MakeTokenTrie(*tokenizer);
  SchemaTotals totals;
  std::vector<OutcomeLine> lines;
  for (const SchemaCase& schema_case : cases) {
    SchemaOutcome outcome = RunSchemaCase(schema_case, *tokenizer, *trie);
    lines.push_back(LineOf(schema_case, outcome));
    totals.Add(std::move(outcome));
  }
  if (!flags.outcomes.empty()) TRY(WriteOutcomes(flags.outcomes, run, lines));
  if (flags.json) {
    fmt::print("{}\n",
               kinglet::ToJson(json::object{{"cases", totals.cases},
                                            {"right", totals.right},
                                            {"refused", totals.refused},
                                            {"invalid_accepted", totals.invalid_accepted},
                                            {"valid_refused", totals.valid_refused},
                                            {"masks", totals.mask_us.size()},
                                            {"mask_us", Quantiles(totals.mask_us)},
                                            {"compile_ms", Quantiles(totals.compile_ms)},
                                            {"first_mask_ms", Quantiles(totals.first_mask_ms)}}));
    return {};
  }
  fmt::print("{} cases: {} right, {} refused, {} invalid accepted, {} valid refused\n",
             totals.cases, totals.right, totals.refused, totals.invalid_accepted,
             totals.valid_refused);
  fmt::print("{} masks of {} tokens\n", totals.mask_us.size(), tokenizer->vocab_size());
  PrintQuantiles("mask, us", totals.mask_us);
  PrintQuantiles("compile, ms", totals.compile_ms);
  PrintQuantiles("first mask, ms", totals.first_mask_ms);
  return {};
}

}  // namespace

CommandRun SetUpEvalSchema(CLI::App& app, const Environment& environment) {
  CLI::App* schema = app.add_subcommand(
      "schema", "JSON schemas: what is enforced, what is refused, and the time of each mask");
  schema->option_defaults()->always_capture_default();
  auto flags = std::make_shared<SchemaFlags>();
  schema->add_option("MODEL", flags->model, "a .gguf file (a vocabulary alone will do), or a name")
      ->required();
  schema
      ->add_option("CASES", flags->cases,
                   "lines of {\"id\", \"schema\", \"tests\": [{\"data\", \"valid\"}]}, .gz or not")
      ->required();
  AddOutputFlag(*schema, "--outcomes", flags->outcomes, kOutcomesHelp);
  schema->add_flag("--json", flags->json, "print one JSON object");
  return [flags, environment] { return EvaluateSchemas(*flags, environment); };
}

}  // namespace kinglet
