// SPDX-License-Identifier: Apache-2.0
// All below the home folder; embedders as searches open them.
#include "cli/open_router.h"

#include "base/thread_pool.h"
#include "cli/open_vectors.h"

namespace kinglet {

std::filesystem::path DefaultIntents(const Environment& environment) {
  return environment.home / "intents.toml";
}

std::filesystem::path TrainedIntents(const Environment& environment) {
  return environment.home / "intents";
}

EmbedderOpener RouterEmbedder(const Environment& environment) {
  return [environment](const std::string& model) {
    return OpenEmbedder(model, environment, AvailableCpus());
  };
}

}  // namespace kinglet
