// SPDX-License-Identifier: Apache-2.0
// Ranges are checked here, so that a sampler never sees a number that means nothing.
#include "cli/sampling_flags.h"

#include <string>

#include <CLI/CLI.hpp>

#include "cli/number_range.h"

namespace kinglet {

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
  app.add_flag_callback(
      "--no-cache", [&options] { options.reuse_prefix = false; },
      "compute every prompt from its first token");
  app.add_flag_callback(
      "--no-lookahead", [&options] { options.guess_ratio = 0; },
      "guess no tokens, of which a step checks several");
}

void AddThreadsFlag(CLI::App& app, EngineOptions& options) {
  app.add_option("-t,--threads", options.thread_count, "threads; 0: one for each CPU")
      ->check(WholeFrom(0, 1024));
}

void AddSamplingFlags(CLI::App& app, SamplingFlags& flags) {
  SamplingOptions& options = flags.options;
  app.add_option("-n,--max-tokens", flags.max_tokens, "tokens of an answer at most")
      ->check(WholeFrom(1, kMaxInt));
  app.add_option("--temp", options.temperature, "temperature; 0: greedy and repeatable")
      ->check(NumberFrom(0, 100));
  app.add_option("--top-k", options.top_k, "draw among the k likeliest tokens; 0: all")
      ->check(WholeFrom(0, kMaxInt));
  app.add_option("--top-p", options.top_p, "draw among the likeliest that hold this share; 1: all")
      ->check(NumberFrom(0, 1));
  app.add_option("--min-p", options.min_p, "drop tokens below this share of the likeliest; 0: none")
      ->check(NumberFrom(0, 1));
  app.add_option("--repeat-penalty", options.repeat_penalty,
                 "divide the logits of the last 64 tokens; 1: off")
      ->check(NumberFrom(0.01, 100));
  app.add_option("--presence-penalty", options.presence_penalty,
                 "take this from the logit of a token that is there; 0: off")
      ->check(NumberFrom(-100, 100));
  app.add_option("--frequency-penalty", options.frequency_penalty,
                 "the same for each time that it is there; 0: off")
      ->check(NumberFrom(-100, 100));
  app.add_option("--seed", options.seed, "of the draws")->check(WholeFrom(0, kMaxUint64));
  app.add_option("--stop", flags.stop, "end before this text; may be given several times")
      ->allow_extra_args(false);
  AddThreadsFlag(app, flags.engine);
  AddKvTypeFlag(app, flags.engine);
  app.add_option("-c,--context", flags.engine.context_tokens,
                 "tokens that prompt and answer may hold together; 0: the model's, at most 8192")
      ->check(WholeFrom(0, kMaxInt));
  AddShortcutFlags(app, flags.engine);
}

}  // namespace kinglet
