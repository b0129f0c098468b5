// SPDX-License-Identifier: Apache-2.0
// The flags of every command that generates text, named as llama.cpp's users know them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "text/language_model.h"

namespace CLI {
class App;
}

namespace kinglet {

struct SamplingFlags {
  SamplingOptions options;
  std::vector<std::string> stop;
  std::optional<int> max_tokens;  // nothing: the command's own limit
  EngineOptions engine;           // threads, context, cache
};

// flags must outlive the parsing of app.
void AddSamplingFlags(CLI::App& app, SamplingFlags& flags);

// -t alone, for commands that generate nothing a user asked for.
void AddThreadsFlag(CLI::App& app, EngineOptions& options);

// --kv-type: how the cache keeps keys and values.
void AddKvTypeFlag(CLI::App& app, EngineOptions& options);

// --no-cache and --no-lookahead: to see what each of them saves.
void AddShortcutFlags(CLI::App& app, EngineOptions& options);

}  // namespace kinglet
