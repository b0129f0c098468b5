// SPDX-License-Identifier: Apache-2.0
// Ranges are checked here, so that a sampler never sees a number that means nothing.
#include "cli/sampling_flags.h"

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

#include <CLI/CLI.hpp>

namespace kinglet {
namespace {

// CLI::Range takes "nan" for in range.
CLI::Validator Between(float low, float high) {
  return {[low, high](std::string& text) -> std::string {
            float value = 0;
            if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return {};
            return fmt::format("{} is not a number from {} to {}", text, low, high);
          },
          fmt::format("FLOAT in [{} - {}]", low, high)};
}

// CLI11 itself takes -1 for the greatest number, and what is greater still too.
CLI::Validator Whole() {
  return {[](std::string& text) -> std::string {
            std::uint64_t value = 0;
            const char* end = text.data() + text.size();
            if (const auto [stop, error] = std::from_chars(text.data(), end, value);
                stop == end && error == std::errc()) {
              return {};
            }
            return fmt::format("{} is not a whole number below 2^64", text);
          },
          ""};
}

}  // namespace

void AddKvTypeFlag(CLI::App& app, EngineOptions& options) {
  app.add_option_function<std::string>(
         "--kv-type",
         [&options](const std::string& name) {
           options.kv_type = name == "q8_0" ? KvType::kQ8_0 : KvType::kF16;
         },
         "how the cache keeps keys and values; q8_0 takes half the memory of f16")
      ->check(CLI::IsMember({"f16", "q8_0"}));
}

void AddShortcutFlags(CLI::App& app, EngineOptions& options) {
  app.add_flag("!--no-cache", options.reuse_prefix, "compute every prompt from its first token");
  app.add_flag_callback(
      "--no-lookahead", [&options] { options.guess_ratio = 0; },
      "guess no tokens, of which a step checks several");
}

void AddThreadsFlag(CLI::App& app, EngineOptions& options) {
  app.add_option("-t,--threads", options.thread_count, "threads; 0: one for each CPU")
      ->check(CLI::Range(0, 1024));
}

void AddSamplingFlags(CLI::App& app, SamplingFlags& flags) {
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  SamplingOptions& options = flags.options;
  app.add_option("-n,--max-tokens", flags.max_tokens, "tokens of an answer at most")
      ->check(CLI::Range(1, kMaxInt));
  app.add_option("--temp", options.temperature, "temperature; 0: greedy and repeatable")
      ->check(Between(0.0F, 100.0F));
  app.add_option("--top-k", options.top_k, "draw among the k likeliest tokens; 0: all")
      ->check(CLI::Range(0, kMaxInt));
  app.add_option("--top-p", options.top_p, "draw among the likeliest that hold this share; 1: all")
      ->check(Between(0.0F, 1.0F));
  app.add_option("--min-p", options.min_p, "drop tokens below this share of the likeliest; 0: none")
      ->check(Between(0.0F, 1.0F));
  app.add_option("--repeat-penalty", options.repeat_penalty,
                 "divide the logits of the last 64 tokens; 1: off")
      ->check(Between(0.01F, 100.0F));
  app.add_option("--presence-penalty", options.presence_penalty,
                 "take this from the logit of a token that is there; 0: off")
      ->check(Between(-100.0F, 100.0F));
  app.add_option("--frequency-penalty", options.frequency_penalty,
                 "the same for each time that it is there; 0: off")
      ->check(Between(-100.0F, 100.0F));
  app.add_option("--seed", options.seed, "of the draws")->check(Whole());
  app.add_option("--stop", flags.stop, "end before this text; may be given several times")
      ->allow_extra_args(false);
  AddThreadsFlag(app, flags.engine);
  AddKvTypeFlag(app, flags.engine);
  app.add_option("-c,--context", flags.engine.context_tokens,
                 "tokens that prompt and answer may hold together; 0: the model's, at most 8192")
      ->check(CLI::Range(0, kMaxInt));
  AddShortcutFlags(app, flags.engine);
}

}  // namespace kinglet
