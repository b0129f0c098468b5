// SPDX-License-Identifier: Apache-2.0
// Pulls a model into the store: each source in turn, every byte under SHA-256, nothing under its
// name before it is whole.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"
#include "catalog/mirror.h"
#include "catalog/store.h"

namespace kinglet {

struct PullOptions {
  int connect_timeout_ms = 5000;
  int stall_timeout_s = 30;  // gives up on a server that sends nothing for so long
  bool verify = false;       // hashes files that are here already
};

// What MODEL means to pull: a name of the catalog, a URL or an hf: form; "" is the catalog's
// default. Asks the hub what hf:user/repo:QUANT is, unless it was pulled before, and nobody else.
Result<ModelEntry> FindModel(std::string_view model, const std::filesystem::path& home,
                             const std::function<bool()>& should_stop);

// Makes all of the entry's files be in the store and returns the path of the first. A source that
// fails is told in a note, and the next one tried; the last one's error is returned. kCancelled
// keeps what came, and the next pull goes on from there.
Result<std::filesystem::path> PullModel(const ModelEntry& entry, const Store& store,
                                        const PullOptions& options, const PullHooks& hooks);

}  // namespace kinglet
