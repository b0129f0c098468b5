// SPDX-License-Identifier: Apache-2.0
// kinglet eval perplexity: how well a model foretells a text.
#include <algorithm>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"
#include "eval/perplexity.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;
constexpr std::uint64_t kMaxContext = 1U << 20U;

struct PerplexityFlags {
  std::string model;
  std::string file;
  PerplexityOptions options;
  bool json = false;
  EngineOptions engine{.kv_contexts = 8};
};

void Print(const Perplexity& result) {
  const auto line = [](const char* name, const Estimate& estimate) {
    fmt::print("  {:<22} {}\n", name,
               ShowMean(estimate.mean, estimate.low, estimate.high, Fixed<4>));
  };
  fmt::print("{} tokens in {} windows\n", result.tokens, result.windows);
  line("perplexity", result.perplexity);
  line("bits_per_byte", result.bits_per_byte);
}

json::object ToJson(const Perplexity& result) {
  return {{"tokens", result.tokens},
          {"bytes", result.bytes},
          {"windows", result.windows},
          {"nats_per_token", result.nats},
          {"perplexity", result.perplexity.mean},
          {"bits_per_byte", result.bits_per_byte.mean},
          {"ci95",
           {{"perplexity", {result.perplexity.low, result.perplexity.high}},
            {"bits_per_byte", {result.bits_per_byte.low, result.bits_per_byte.high}}}}};
}

Result<std::string> ReadText(const std::string& file) {
  std::string text = TRY(ReadFile(file, kMaxTextBytes));
  const std::size_t valid = ValidUtf8Prefix(text);
  if (!text.empty() && valid == text.size()) return text;
  return Error(StatusCode::kInvalidInput, "{}: {}", EscapeForDisplay(file),
               text.empty() ? "it is empty" : fmt::format("not UTF-8 at byte {}", valid));
}

Result<void> EvaluatePerplexity(PerplexityFlags flags, const Environment& environment) {
  const std::string text = TRY(ReadText(flags.file));
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  flags.engine.context_tokens = flags.options.context + 1;  // one is for an answer, always
  const auto engine = TRY(OpenEngine(path, flags.engine, environment));
  const std::vector<TokenId> tokens = engine->prompts().EncodePrompt(text);
  HandleInterrupts();
  Progress progress("perplexity", ProgressUnit::kTokens, environment.stderr_is_terminal);
  flags.options.interrupted = TakeInterrupt;
  flags.options.progress = [&](std::size_t done, std::size_t total) {
    progress.Update(done * flags.options.context, total * flags.options.context);
  };
  const Perplexity result =
      TRY(MeasurePerplexity(*engine, tokens, engine->prompts().EncodePrompt(""), flags.options));
  progress.Clear();
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(ToJson(result)));
  } else {
    Print(result);
  }
  return {};
}

}  // namespace

CommandRun SetUpEvalPerplexity(CLI::App& app, const Environment& environment) {
  CLI::App* perplexity =
      app.add_subcommand("perplexity", "perplexity of a text, as llama.cpp's tool defines it");
  perplexity->option_defaults()->always_capture_default();
  auto flags = std::make_shared<PerplexityFlags>();
  perplexity->add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant")
      ->required();
  perplexity->add_option("FILE", flags->file, "the text, UTF-8")->required();
  perplexity->add_option("-c,--context", flags->options.context, "tokens of a window")
      ->check(WholeFrom(4, kMaxContext));
  perplexity
      ->add_option("--stride", flags->options.stride,
                   "tokens from window to window, the last so many of which are scored; 0: "
                   "windows side by side, of each the second half")
      ->check(WholeFrom(0, kMaxContext));
  perplexity->add_option("--windows", flags->options.max_windows, "at most; 0: all")
      ->check(WholeFrom(0, kMaxUint64));
  perplexity->add_flag("--exact", flags->engine.exact, "round nothing below f32; slow");
  perplexity->add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(*perplexity, flags->engine);
  AddKvTypeFlag(*perplexity, flags->engine);
  return [flags, environment] { return EvaluatePerplexity(*flags, environment); };
}

}  // namespace kinglet
