// SPDX-License-Identifier: Apache-2.0
// kinglet eval TASK: how good the program is, measured. One subcommand a task.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/sampling_flags.h"
#include "engine/model_embedder.h"
#include "eval/embeddings.h"
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
  EngineOptions engine;  // threads, exact and kv_type alone
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

Result<void> EvaluateFidelity(const FidelityFlags& flags, const Environment& environment) {
  const SafetensorsFile golden = TRY(SafetensorsFile::Open(flags.golden));
  Result<std::vector<GoldenText>> texts = ReadGoldenTexts(golden);
  if (!texts) return std::unexpected(texts.error().WithContext(EscapeForDisplay(flags.golden)));
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const std::unique_ptr<Engine> engine = TRY(OpenEngine(path, flags.engine, environment));
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

struct EmbeddingsFlags {
  std::string model;
  std::string golden;
  bool json = false;
  EngineOptions engine;  // threads and exact alone
};

Result<void> EvaluateEmbeddings(const EmbeddingsFlags& flags, const std::filesystem::path& home) {
  const GoldenEmbeddings golden = TRY(ReadGoldenEmbeddings(flags.golden));
  const std::filesystem::path path = TRY(ResolveModel(flags.model, home));
  const auto embedder = TRY(ModelEmbedder::Open(
      path, {.thread_count = flags.engine.thread_count, .exact = flags.engine.exact}));
  const EmbeddingFidelity result = TRY(MeasureEmbeddings(embedder->encoder(), golden));
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(json::object{{"texts", result.texts},
                                                    {"cosine_min", result.cosine_min},
                                                    {"texts_per_s", result.texts_per_s}}));
  } else {
    fmt::print("{} texts, 1 - cosine at most {:.2e}, {:.1f} texts/s\n", result.texts,
               1 - result.cosine_min, result.texts_per_s);
  }
  return {};
}

CommandRun SetUpFidelity(CLI::App& app, const Environment& environment) {
  CLI::App* fidelity = app.add_subcommand(
      "fidelity", "KL divergence, in nats, from logits that were computed in double precision");
  fidelity->option_defaults()->always_capture_default();
  auto flags = std::make_shared<FidelityFlags>();
  fidelity->add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant")
      ->required();
  fidelity->add_option("GOLDEN", flags->golden, "a .safetensors file of golden logits")->required();
  fidelity->add_option("--chunk", flags->chunk, "tokens a step")->check(WholeFrom(1, kStepTokens));
  fidelity->add_flag("--exact", flags->engine.exact,
                     "round nothing below f32, to audit a file or the program; slow");
  fidelity->add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(*fidelity, flags->engine);
  AddKvTypeFlag(*fidelity, flags->engine);
  return [flags, environment] { return EvaluateFidelity(*flags, environment); };
}

CommandRun SetUpEmbeddings(CLI::App& app, const Environment& environment) {
  CLI::App* embeddings = app.add_subcommand(
      "embeddings", "angles from vectors of texts that were computed in double precision");
  embeddings->option_defaults()->always_capture_default();
  auto flags = std::make_shared<EmbeddingsFlags>();
  embeddings->add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant")
      ->required();
  embeddings
      ->add_option("GOLDEN", flags->golden,
                   "a .safetensors file of golden vectors, with the tokens in a .json beside it")
      ->required();
  embeddings->add_flag("--exact", flags->engine.exact,
                       "round nothing below f32, to audit a file or the program; slower");
  embeddings->add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(*embeddings, flags->engine);
  return [flags, home = environment.home] { return EvaluateEmbeddings(*flags, home); };
}

// All of eval's subcommands, in their order.
Result<void> List(const CLI::App& eval, bool as_json) {
  json::object tasks;
  for (const CLI::App* const task : eval.get_subcommands(nullptr)) {
    if (!as_json) fmt::print("{:<12} {}\n", task->get_name(), task->get_description());
    tasks[task->get_name()] = task->get_description();
  }
  if (as_json) fmt::print("{}\n", kinglet::ToJson(json::object{{"tasks", std::move(tasks)}}));
  return {};
}

CommandRun SetUpList(CLI::App& app) {
  CLI::App* list = app.add_subcommand("list", "what can be measured, a line each");
  auto as_json = std::make_shared<bool>(false);
  list->add_flag("--json", *as_json, "print one JSON object");
  return [&app, as_json] { return List(app, *as_json); };
}

}  // namespace

CommandRun SetUpEval(CLI::App& app, const Environment& environment) {
  app.require_subcommand(1);
  const std::vector<std::pair<const char*, CommandRun>> tasks = {
      {"calibrate", SetUpEvalCalibrate(app, environment)},
      {"cascade", SetUpEvalCascade(app)},
      {"checker", SetUpEvalChecker(app, environment)},
      {"claims", SetUpEvalClaims(app, environment)},
      {"compare", SetUpEvalCompare(app)},
      {"embeddings", SetUpEmbeddings(app, environment)},
      {"extraction", SetUpEvalExtraction(app)},
      {"fidelity", SetUpFidelity(app, environment)},
      {"grounding", SetUpEvalGrounding(app, environment)},
      {"injections", SetUpEvalInjections(app, environment)},
      {"intents", SetUpEvalIntents(app, environment)},
      {"list", SetUpList(app)},
      {"load", SetUpEvalLoad(app)},
      {"perplexity", SetUpEvalPerplexity(app, environment)},
      {"retrieval", SetUpEvalRetrieval(app, environment)},
      {"schema", SetUpEvalSchema(app, environment)},
      {"task", SetUpEvalTask(app, environment)},
      {"tools", SetUpEvalTools(app)}};
  return [&app, tasks]() -> Result<void> {
    for (const auto& [name, run] : tasks) {
      if (app.got_subcommand(name)) return run();
    }
    return {};
  };
}

}  // namespace kinglet
