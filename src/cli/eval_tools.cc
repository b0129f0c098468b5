// SPDX-License-Identifier: Apache-2.0
// kinglet eval tools: whether a server of OpenAI's API calls the functions that it should.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/digest.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/output_files.h"
#include "eval/outcome_lines.h"
#include "eval/proportion.h"
#include "eval/show_interval.h"
#include "eval/tool_calls_asker.h"

namespace kinglet {
namespace {

const std::map<std::string, ToolAsking> kAskings = {{"tools", ToolAsking::kTools},
                                                    {"schema", ToolAsking::kSchema},
                                                    {"hidden-schema", ToolAsking::kHiddenSchema}};

struct ToolsFlags {
  ToolTarget target;
  std::string asking = "tools";
  std::string data;
  std::vector<std::string> categories;
  std::size_t limit = 0;
  std::uint64_t seed = 1;
  double timeout_s = 600;
  std::string outcomes;
  bool json = false;
};

struct ToolTotals {
  std::size_t questions = 0, right = 0, calls = 0, unparsed = 0, invalid = 0, errors = 0;

  void Add(const ToolOutcome& outcome) {
    ++questions;
    right += outcome.fault.empty() ? 1 : 0;
    calls += outcome.reply.raw_calls.size();
    unparsed += outcome.reply.unparsed;
    invalid += outcome.reply.invalid;
    errors += outcome.reply.error.empty() ? 0 : 1;
  }
  void Add(const ToolTotals& other) {
    questions += other.questions;
    right += other.right;
    calls += other.calls;
    unparsed += other.unparsed;
    invalid += other.invalid;
    errors += other.errors;
  }
};

json::object ToJson(const ToolTotals& totals) {
  const Interval interval = WilsonInterval(totals.right, totals.questions);
  return {{"questions", totals.questions},
          {"right", totals.right},
          {"ci95", json::array{interval.low, interval.high}},
          {"calls", totals.calls},
          {"calls_unparsed", totals.unparsed},
          {"calls_invalid", totals.invalid},
          {"errors", totals.errors}};
}

void PrintLine(std::string_view name, const ToolTotals& totals) {
  const Interval interval = WilsonInterval(totals.right, totals.questions);
  const double share = static_cast<double>(totals.right) /
                       static_cast<double>(std::max<std::size_t>(1, totals.questions));
  fmt::print("{:<22} {:>9} {:>6} {:>6.1f}  {:>14} {:>7} {:>9} {:>8} {:>7}\n", name,
             totals.questions, totals.right, share * 100,
             ShowInterval(interval.low * 100, interval.high * 100, Fixed<1>), totals.calls,
             totals.unparsed, totals.invalid, totals.errors);
}

// What the outcomes are of, and they.
struct ToolOutcomes {
  std::string digest;  // of all questions so far
  std::vector<OutcomeLine> lines;

  void Add(std::string_view category, const ToolQuestion& question, const ToolOutcome& outcome) {
    digest =
        Sha256::HexOf(digest + kinglet::ToJson(json::array{question.id, question.messages,
                                                           question.functions, question.expected}));
    lines.push_back({.id = question.id,
                     .scores = {{"right", outcome.fault.empty() ? 1 : 0}},
                     .shown = {{"category", category},
                               {"fault", outcome.fault},
                               {"calls", outcome.reply.raw_calls},
                               {"text", outcome.reply.text}},
                     .error = outcome.reply.error});
  }
};

// Anew behind each category: who is interrupted keeps what was asked.
Result<void> Write(const ToolsFlags& flags, const ToolOutcomes& outcomes) {
  if (flags.outcomes.empty()) return {};
  return WriteOutcomes(flags.outcomes,
                       {{"task", "tools"},
                        {"model", fmt::format("{} {}", flags.target.url, flags.target.model)},
                        {"data", outcomes.digest},
                        {"ask", flags.asking},
                        {"max_tokens", flags.target.max_tokens}},
                       outcomes.lines);
}

Result<void> EvaluateTools(const ToolsFlags& flags) {
  std::vector<std::string> inputs = {flags.data + "/possible_answer"};
  for (const std::string& category : flags.categories) {
    inputs.push_back(flags.data + "/" + ToolFile(category));
  }
  TRY(CheckOutputs({{"--outcomes", flags.outcomes}}, inputs));
  ToolTarget target = flags.target;
  target.asking = kAskings.at(flags.asking);
  target.timeout_ms = static_cast<int>(flags.timeout_s * 1000);
  HandleInterrupts();
  if (!flags.json) {
    fmt::print("{:<22} {:>9} {:>6} {:>6}  {:>14} {:>7} {:>9} {:>8} {:>7}\n", "category",
               "questions", "right", "%", "95 % of it", "calls", "unparsed", "invalid", "errors");
  }
  json::object of_categories;
  ToolTotals all;
  ToolOutcomes kept;
  for (const std::string& category : flags.categories) {
    const std::vector<ToolQuestion> questions =
        TRY(ReadToolQuestions(flags.data, category, flags.limit, flags.seed));
    const std::vector<ToolOutcome> outcomes =
        TRY(AskToolQuestions(target, questions, TakeInterrupt,
                             [](std::string_view why) { fmt::print(stderr, "tools: {}\n", why); }));
    ToolTotals totals;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      totals.Add(outcomes[i]);
      kept.Add(category, questions[i], outcomes[i]);
    }
    TRY(Write(flags, kept));
    all.Add(totals);
    of_categories[category] = ToJson(totals);
    if (!flags.json) {
      PrintLine(category, totals);
      std::fflush(stdout);
    }
  }
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(json::object{{"categories", std::move(of_categories)},
                                                    {"all", ToJson(all)},
                                                    {"limit", flags.limit},
                                                    {"seed", flags.seed},
                                                    {"max_tokens", target.max_tokens}}));
  } else {
    PrintLine("all", all);
  }
  return {};
}

}  // namespace

CommandRun SetUpEvalTools(CLI::App& app) {
  CLI::App* tools = app.add_subcommand(
      "tools", "function calling of a server of OpenAI's API, by the rule of BFCL's AST checker");
  tools->option_defaults()->always_capture_default();
  auto flags = std::make_shared<ToolsFlags>();
  const auto all = ToolCategories();
  flags->categories.assign(all.begin(), all.end());
  tools->add_option("--url", flags->target.url, "like http://127.0.0.1:8080, with /v1 or without")
      ->required();
  tools
      ->add_option("--data", flags->data,
                   "folder of BFCL_v4_NAME.json and possible_answer/BFCL_v4_NAME.json")
      ->required();
  tools->add_option("--category", flags->categories, "which; several times")
      ->check(CLI::IsMember(flags->categories));
  tools->add_option("--limit", flags->limit, "questions of a category; 0: all")
      ->check(WholeFrom(0, kMaxUint64));
  tools->add_option("--seed", flags->seed, "draws them")->check(WholeFrom(0, kMaxUint64));
  tools->add_option("--model", flags->target.model, "name of the model to ask for");
  tools->add_option("--api-key,--key", flags->target.api_key, "sent as a bearer token");
  tools
      ->add_option("--ask", flags->asking,
                   "tools, or schema: the arguments of the one function, by response_format; "
                   "hidden-schema: Kinglet is not to show it to the model")
      ->check(CLI::IsMember(kAskings));
  tools->add_option("--max-tokens", flags->target.max_tokens, "of an answer")
      ->check(WholeFrom(1, 1'000'000));
  tools->add_option("--concurrency", flags->target.concurrency, "requests at once")
      ->check(WholeFrom(1, 256));
  tools
      ->add_option("--timeout-s", flags->timeout_s,
                   "seconds that a request may take, sent again or not")
      ->check(NumberFrom(0.001, 1e6));
  AddOutputFlag(*tools, "--outcomes", flags->outcomes, kOutcomesHelp);
  tools->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return EvaluateTools(*flags); };
}

}  // namespace kinglet
