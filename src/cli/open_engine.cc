// SPDX-License-Identifier: Apache-2.0
// Folder and limit of the cache come from the environment; a warning goes to standard error.
#include "cli/open_engine.h"

#include <cstdio>
#include <utility>

#include "base/display.h"
#include "catalog/store.h"
#include "model/bert_safetensors.h"
#include "model/vocabulary_from_gguf.h"
#include "tensor/gguf.h"

namespace kinglet {

Result<std::filesystem::path> FindModelFile(const std::string& model,
                                            const Environment& environment) {
  const std::filesystem::path file = TRY(ResolveModel(model, environment.home));
  if (!std::filesystem::exists(file))
    return Error(StatusCode::kNotFound, "{}: no such file", EscapeForDisplay(file.string()));
  return file;
}

Result<std::filesystem::path> FindLargerModelFile(const std::string& model,
                                                  const std::filesystem::path& first,
                                                  const Environment& environment) {
  std::filesystem::path file = TRY(FindModelFile(model, environment));
  std::error_code error;
  if (std::filesystem::equivalent(file, first, error)) {
    return Error(StatusCode::kUsage, "{} answers first: the larger model must be another",
                 EscapeForDisplay(model));
  }
  (void)TRY(GgufFile::Open(file));
  return file;
}

Result<std::unique_ptr<Engine>> OpenEngine(const std::filesystem::path& path, EngineOptions options,
                                           const Environment& environment) {
  options.packed_cache = environment.PackedCache();
  std::unique_ptr<Engine> engine = TRY(Engine::Open(path, options));
  if (const std::string& warning = engine->model().warning(); !warning.empty()) {
    WarnOnStderr(warning);
  }
  return engine;
}

void WarnOnStderr(const std::string& warning) {
  std::fputs(fmt::format("kinglet: {}\n", EscapeForDisplay(warning)).c_str(), stderr);
}

void WarnOfLedger(const Result<void>& written) {
  if (!written) WarnOnStderr(fmt::format("the ledger: {}", written.error().message()));
}

Result<std::unique_ptr<Tokenizer>> OpenTokenizer(const std::filesystem::path& path) {
  const GgufFile file = TRY(OpenModelFile(path));
  const std::string shown = EscapeForDisplay(path.string());
  auto vocabulary = ReadVocabulary(file);
  if (!vocabulary) return std::unexpected(vocabulary.error().WithContext(shown));
  auto tokenizer = Tokenizer::Create(*std::move(vocabulary));
  if (!tokenizer) return std::unexpected(tokenizer.error().WithContext(shown));
  return tokenizer;
}

}  // namespace kinglet
