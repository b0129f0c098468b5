// SPDX-License-Identifier: Apache-2.0
// What came of the questions of a run, a line each, as `eval compare` reads them.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/json.h"
#include "base/status.h"

namespace kinglet {

struct OutcomeLine {
  std::string id;
  std::string group;    // whose questions are drawn together; empty: each alone
  json::object scores;  // METRIC: number, the greater the better
  json::object shown;   // what was said, for people
  std::string error;    // why there is no reply; such a run cannot be compared
};

// run: what they are of, as the first line: "task", "data" (SHA-256), whatever sets runs apart, and
// "model" or "embedder", which may differ. Whatever was in the file is replaced.
Result<void> WriteOutcomes(const std::filesystem::path& file, const json::object& run,
                           std::span<const OutcomeLine> lines);

}  // namespace kinglet
