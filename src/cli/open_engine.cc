// SPDX-License-Identifier: Apache-2.0
// Folder and limit of the cache come from the environment; a warning goes to standard error.
#include "cli/open_engine.h"

#include <cstdio>
#include <utility>

#include "base/display.h"

namespace kinglet {

Result<std::unique_ptr<Engine>> OpenEngine(const std::filesystem::path& path, EngineOptions options,
                                           const Environment& environment) {
  options.packed_cache = environment.PackedCache();
  std::unique_ptr<Engine> engine = TRY(Engine::Open(path, options));
  if (const std::string& warning = engine->model().warning(); !warning.empty()) {
    std::fputs(fmt::format("kinglet: {}\n", EscapeForDisplay(warning)).c_str(), stderr);
  }
  return engine;
}

}  // namespace kinglet
