// SPDX-License-Identifier: Apache-2.0
// kinglet bench MODEL: tokens a second of reading a prompt and of writing an answer.
#include <algorithm>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/open_engine.h"
#include "cli/sampling_flags.h"
#include "engine/engine.h"

namespace kinglet {
namespace {

struct BenchFlags {
  std::string model;
  std::size_t prompt_tokens = 512;
  std::size_t generated_tokens = 64;
  int repetitions = 3;
  bool json = false;
  EngineOptions engine;
};

struct Speed {
  std::string name;                  // "pp512", "tg64"
  std::vector<double> tokens_per_s;  // a repetition each, sorted
};

// Ids that jump about the vocabulary: the speed does not depend on the text.
TokenId TokenAt(std::size_t position, std::size_t vocab_size) {
  return static_cast<TokenId>((position * 7919 + 13) % vocab_size);
}

// Seconds to append `count` tokens, `step` at a time, to an empty sequence, each step with the
// logits of its last token where `all_logits` says so, else those of the last step.
Result<double> TimeTokens(Model& model, KvSequence& sequence, std::size_t count, std::size_t step,
                          bool all_logits) {
  sequence.Truncate(0);
  std::vector<TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i) tokens[i] = TokenAt(i, model.config().vocab_size);
  const double start_ms = MonotonicMs();
  for (std::size_t at = 0; at < count; at += step) {
    if (TakeInterrupt()) return Error(StatusCode::kCancelled, "interrupted");
    const std::size_t size = std::min(step, count - at);
    const std::size_t logits = all_logits || at + size == count ? 1 : 0;
    TRY(model.Forward(std::span(tokens).subspan(at, size), sequence, logits));
  }
  return (MonotonicMs() - start_ms) / 1000;
}

Result<Speed> Measure(Model& model, KvSequence& sequence, std::string name, std::size_t count,
                      std::size_t step, int repetitions) {
  Speed speed{std::move(name), {}};
  for (int i = -1; i < repetitions; ++i) {  // the first, not counted, warms up pages and caches
    const double seconds = TRY(TimeTokens(model, sequence, count, step, /*all_logits=*/step == 1));
    if (i >= 0) speed.tokens_per_s.push_back(static_cast<double>(count) / seconds);
  }
  std::ranges::sort(speed.tokens_per_s);
  return speed;
}

double Median(const std::vector<double>& sorted) {
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// VmHWM: the most that was resident so far; 0 where the system does not tell.
std::uint64_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::uint64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

// How many tokens each expert of each layer has had: an array a layer. Empty unless they were
// counted.
json::array ExpertTokens(const Model& model) {
  const std::size_t experts = model.config().expert_count;
  json::array layers;
  auto counts = model.expert_counts();
  for (; !counts.empty(); counts = counts.subspan(experts)) {
    const auto layer = counts.first(experts);
    layers.push_back(json::array(layer.begin(), layer.end()));
  }
  return layers;
}

void PrintExperts(const Model& model) {
  const std::size_t experts = model.config().expert_count;
  auto counts = model.expert_counts();
  for (std::size_t layer = 0; !counts.empty(); ++layer, counts = counts.subspan(experts)) {
    const auto loads = counts.first(experts);
    const auto most = static_cast<double>(std::ranges::max(loads));
    const auto all = static_cast<double>(std::accumulate(loads.begin(), loads.end(), 0ULL));
    if (all == 0) return;  // nothing was run
    fmt::print("layer {:>3}: the busiest expert had {:.1f} times its share, {} of {} had none\n",
               layer, most * static_cast<double>(experts) / all, std::ranges::count(loads, 0U),
               experts);
  }
}

void PrintJson(Engine& engine, const std::filesystem::path& path,
               const std::vector<Speed>& speeds) {
  const Model& model = engine.model();
  json::array tests;
  for (const Speed& speed : speeds) {
    tests.push_back({{"name", speed.name},
                     {"tokens_per_s",
                      {{"min", speed.tokens_per_s.front()},
                       {"median", Median(speed.tokens_per_s)},
                       {"max", speed.tokens_per_s.back()}}}});
  }
  json::object out{{"model", path.filename().string()}, {"file_bytes", model.file().file_bytes()},
                   {"isa", model.ops().name},           {"threads", model.thread_count()},
                   {"tests", std::move(tests)},         {"resident_bytes", ResidentBytes()}};
  if (!model.expert_counts().empty()) out["expert_tokens"] = ExpertTokens(model);
  fmt::print("{}\n", ToJson(out));
}

void PrintTable(Engine& engine, const std::filesystem::path& path,
                const std::vector<Speed>& speeds) {
  const Model& model = engine.model();
  fmt::print("{}, {:.1f} MB, {}, {} threads\n", EscapeForDisplay(path.filename().string()),
             static_cast<double>(model.file().file_bytes()) / 1e6, model.ops().name,
             model.thread_count());
  fmt::print("{:<8} {:>10} {:>10} {:>10}   tokens/s\n", "test", "min", "median", "max");
  for (const Speed& speed : speeds) {
    fmt::print("{:<8} {:>10.1f} {:>10.1f} {:>10.1f}\n", speed.name, speed.tokens_per_s.front(),
               Median(speed.tokens_per_s), speed.tokens_per_s.back());
  }
  fmt::print("resident {:.1f} MB at most\n", static_cast<double>(ResidentBytes()) / 1e6);
  PrintExperts(model);
}

Result<void> Bench(const BenchFlags& flags, const Environment& environment) {
  HandleInterrupts();
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const std::unique_ptr<Engine> engine = TRY(OpenEngine(path, flags.engine, environment));
  Model& model = engine->model();
  for (const std::size_t count : {flags.prompt_tokens, flags.generated_tokens}) {
    if (count > model.context_tokens()) {
      return Error(StatusCode::kUsage, "{} tokens do not fit a context of {}", count,
                   model.context_tokens());
    }
  }
  KvSequence sequence = model.NewSequence();
  std::vector<Speed> speeds;
  if (flags.prompt_tokens > 0) {
    speeds.push_back(TRY(Measure(model, sequence, fmt::format("pp{}", flags.prompt_tokens),
                                 flags.prompt_tokens, kStepTokens, flags.repetitions)));
  }
  if (flags.generated_tokens > 0) {
    speeds.push_back(TRY(Measure(model, sequence, fmt::format("tg{}", flags.generated_tokens),
                                 flags.generated_tokens, 1, flags.repetitions)));
  }
  if (flags.json) {
    PrintJson(*engine, path, speeds);
  } else {
    PrintTable(*engine, path, speeds);
  }
  return {};
}

}  // namespace

CommandRun SetUpBench(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<BenchFlags>();
  flags->model = environment.settings.model.value_or("");
  app.add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant");
  app.add_option("-p,--prompt-tokens", flags->prompt_tokens, "tokens of a prompt; 0: none")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("-n,--generated-tokens", flags->generated_tokens, "tokens of an answer; 0: none")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("-r,--repetitions", flags->repetitions, "runs of each, after one that warms up")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--experts", flags->engine.count_experts,
               "of a mixture: how the tokens fell on each layer's experts");
  app.add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(app, flags->engine);
  AddKvTypeFlag(app, flags->engine);
  return [flags, environment] { return Bench(*flags, environment); };
}

}  // namespace kinglet
