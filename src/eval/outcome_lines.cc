// SPDX-License-Identifier: Apache-2.0
// Lines of JSON, written whole or not at all.
#include "eval/outcome_lines.h"

#include "base/file.h"

namespace kinglet {

Result<void> WriteOutcomes(const std::filesystem::path& file, const json::object& run,
                           std::span<const OutcomeLine> lines) {
  ReplacementFile written = TRY(ReplacementFile::Begin(file));
  TRY(written.Append(ToJson(run) + "\n"));
  for (const OutcomeLine& outcome : lines) {
    json::object line = {{"id", outcome.id}, {"group", outcome.group}};
    for (const auto& [name, value] : outcome.shown) line[name] = value;
    if (!outcome.error.empty()) line["error"] = outcome.error;
    line["scores"] = outcome.scores;
    TRY(written.Append(ToJson(line) + "\n"));
  }
  return written.Finish();
}

}  // namespace kinglet
