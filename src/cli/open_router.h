// SPDX-License-Identifier: Apache-2.0
// Where subcommands look for a router and its trained classifier.
#pragma once

#include <filesystem>

#include "cli/environment.h"
#include "router/router.h"

namespace kinglet {

std::filesystem::path DefaultIntents(const Environment& environment);  // intents.toml
std::filesystem::path TrainedIntents(const Environment& environment);  // a folder
EmbedderOpener RouterEmbedder(const Environment& environment);

}  // namespace kinglet
