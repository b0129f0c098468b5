// SPDX-License-Identifier: Apache-2.0
// kinglet eval TASK: how good the program is, measured. One subcommand a task.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/sampling_flags.h"
#include "eval/fidelity.h"
#include "model/model.h"
#include "tensor/safetensors.h"

namespace kinglet {
namespace {

struct FidelityFlags {
  std::string model;
  std::string golden;
  std::size_t chunk = kStepTokens;
  bool json = false;
  EngineOptions engine;  // threads and exact alone
};

json::object ToJson(const Fidelity& fidelity) {
  return {{"tokens", fidelity.tokens},       {"kl_mean", fidelity.kl_mean},
          {"kl_median", fidelity.kl_median}, {"kl_p99", fidelity.kl_p99},
          {"kl_first", fidelity.kl_first},   {"same_top", fidelity.same_top}};
}

void PrintHead() {
  fmt::print("{:<12} {:>6} {:>10} {:>10} {:>10} {:>10} {:>8}\n", "text", "tokens", "kl mean",
             "median", "p99", "first", "same top");
}

void PrintLine(std::string_view name, const Fidelity& f) {
  fmt::print("{:<12} {:>6} {:>10.2e} {:>10.2e} {:>10.2e} {:>10.2e} {:>8.4f}\n",
             EscapeForDisplay(name), f.tokens, f.kl_mean, f.kl_median, f.kl_p99, f.kl_first,
             f.same_top);
}

Result<void> EvaluateFidelity(const FidelityFlags& flags, const std::filesystem::path& home) {
  const SafetensorsFile golden = TRY(SafetensorsFile::Open(flags.golden));
  Result<std::vector<GoldenText>> texts = ReadGoldenTexts(golden);
  if (!texts) return std::unexpected(texts.error().WithContext(EscapeForDisplay(flags.golden)));
  const std::filesystem::path path = TRY(ResolveModel(flags.model, home));
  const std::unique_ptr<Engine> engine = TRY(Engine::Open(path, flags.engine));
  json::object results;
  if (!flags.json) PrintHead();
  for (const GoldenText& text : *texts) {
    const Fidelity fidelity = TRY(MeasureFidelity(engine->model(), text, flags.chunk));
    results[text.name] = ToJson(fidelity);
    if (!flags.json) PrintLine(text.name, fidelity);
  }
  if (flags.json) fmt::print("{}\n", kinglet::ToJson(json::object{{"texts", results}}));
  return {};
}

}  // namespace

CommandRun SetUpEval(CLI::App& app, const Environment& environment) {
  app.require_subcommand(1);
  CLI::App* fidelity = app.add_subcommand(
      "fidelity", "KL divergence, in nats, from logits that were computed in double precision");
  fidelity->option_defaults()->always_capture_default();
  auto flags = std::make_shared<FidelityFlags>();
  fidelity->add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant")
      ->required();
  fidelity->add_option("GOLDEN", flags->golden, "a .safetensors file of golden logits")->required();
  fidelity->add_option("--chunk", flags->chunk, "tokens a step")
      ->check(CLI::Range(std::size_t{1}, kStepTokens));
  fidelity->add_flag("--exact", flags->engine.exact,
                     "round nothing below f32, to audit a file or the program; slow");
  fidelity->add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(*fidelity, flags->engine);
  return [flags, home = environment.home] { return EvaluateFidelity(*flags, home); };
}

}  // namespace kinglet
