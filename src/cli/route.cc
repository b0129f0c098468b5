// SPDX-License-Identifier: Apache-2.0
// kinglet route TEXT: the intent of a question, how sure that is, and what would answer it.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "cli/commands.h"
#include "cli/open_router.h"

namespace kinglet {
namespace {

struct Flags {
  std::string text, intents;
  bool explain = false;
  bool json = false;
};

std::string NameOfIntent(const Intent* intent) {
  return intent == nullptr ? "nothing" : EscapeForDisplay(intent->name);
}

// "mode cite, library billing, within 500 ms"
std::string UseOf(const Intent& intent) {
  std::string use = fmt::format("mode {}", NameOf(intent.mode));
  const auto add = [&use](std::string_view what, const std::string& value) {
    if (!value.empty()) use += fmt::format(", {} {}", what, EscapeForDisplay(value));
  };
  add("model", intent.model);
  add("library", intent.library);
  add("schema", intent.schema);
  add("tool", intent.tool);
  add("endpoint", intent.endpoint);
  if (const auto ms = intent.first_byte_budget_ms; ms) {
    use += fmt::format(", first byte within {} ms", *ms);
  }
  if (const auto risk = intent.risk; risk) use += fmt::format(", risk {}", *risk);
  if (!intent.message.empty()) use += ": " + EscapeForDisplay(intent.message);
  return use;
}

void PrintEvidence(const Evidence& evidence, const std::string& name) {
  fmt::print("what speaks for {}: words {:+.2f}, meaning {:+.2f}, whatever is said {:+.2f}\n", name,
             evidence.by_words, evidence.by_meaning, evidence.constant);
  for (const auto& [word, weight] : evidence.words) {
    fmt::print("  {:+.2f}  {}\n", weight, EscapeForDisplay(word));
  }
}

void Print(const Decision& decision, const Evidence* evidence, double ms) {
  if (decision.intent != nullptr) {
    fmt::print("{}   confidence {:.2f}   {:.1f} ms\n", NameOfIntent(decision.intent),
               decision.confidence, ms);
  } else {
    fmt::print("out of scope   {:.3f} is below {:.3f}   {:.1f} ms\n", decision.scope_score,
               decision.threshold, ms);
  }
  fmt::print("uses {}", NameOfIntent(decision.uses));
  if (decision.uses != nullptr) fmt::print(": {}", UseOf(*decision.uses));
  fmt::print("\n");
  for (const auto& [intent, confidence] : decision.alternatives) {
    fmt::print("not {}   {:.2f}\n", NameOfIntent(intent), confidence);
  }
  if (evidence == nullptr) return;
  PrintEvidence(*evidence,
                NameOfIntent(decision.intent != nullptr ? decision.intent
                                                        : decision.alternatives.front().intent));
}

Result<void> Run(const Flags& flags, const Environment& environment) {
  const auto router =
      TRY(Router::Open(flags.intents, TrainedIntents(environment), RouterEmbedder(environment)));
  const double start_ms = MonotonicMs();
  const Decision decision = TRY(router->Route(flags.text));
  const double ms = MonotonicMs() - start_ms;
  std::optional<Evidence> evidence;
  if (flags.explain) evidence = TRY(router->Explain(flags.text, decision));
  const Evidence* const shown = evidence ? &*evidence : nullptr;
  if (!flags.json) {
    Print(decision, shown, ms);
    return {};
  }
  json::object out = ToJson(flags.text, decision, shown);
  out["ms"] = ms;
  fmt::print("{}\n", ToJson(json::value(out)));
  return {};
}

}  // namespace

CommandRun SetUpRoute(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<Flags>();
  flags->intents = DefaultIntents(environment).string();
  app.add_option("TEXT", flags->text, "a question, as plain text")->required();
  app.add_option("--intents", flags->intents, "TOML file of the intents, trained before");
  app.add_flag("--explain", flags->explain, "say which words and which signals speak for it");
  app.add_flag("--json", flags->json, "one JSON object");
  return [flags, environment] { return Run(*flags, environment); };
}

}  // namespace kinglet
