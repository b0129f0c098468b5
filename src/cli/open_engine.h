// SPDX-License-Identifier: Apache-2.0
// A model, opened as all subcommands open one: with the user's cache of packed weights.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/status.h"
#include "cli/environment.h"
#include "engine/engine.h"

namespace kinglet {

// The file of a model that a flag names, which is there.
Result<std::filesystem::path> FindModelFile(const std::string& model,
                                            const Environment& environment);

// The file of the larger model of a cascade, which `first` begins: another one, whose header is
// sound. What is wrong with it is to be seen before the first has worked.
Result<std::filesystem::path> FindLargerModelFile(const std::string& model,
                                                  const std::filesystem::path& first,
                                                  const Environment& environment);

// Prints what the user should know about it to standard error.
Result<std::unique_ptr<Engine>> OpenEngine(const std::filesystem::path& path, EngineOptions options,
                                           const Environment& environment);

// To standard error.
void WarnOnStderr(const std::string& warning);
// Of a row that was not written.
void WarnOfLedger(const Result<void>& written);

// Of a .gguf file; one with a vocabulary alone will do.
Result<std::unique_ptr<Tokenizer>> OpenTokenizer(const std::filesystem::path& path);

}  // namespace kinglet
