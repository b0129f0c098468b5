// SPDX-License-Identifier: Apache-2.0
// kinglet read-archive KIND SELECTION: the confined end of archive_reader.h, started by the other.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "knowledge/archive_reader.h"

namespace kinglet {

CommandRun SetUpReadArchive(CLI::App& app, const Environment&) {
  struct Flags {
    std::string kind;
    std::string selection;
  };
  auto flags = std::make_shared<Flags>();
  app.add_option("KIND", flags->kind, "zip or tar")->required();
  app.add_option("SELECTION", flags->selection, "which members")->required();
  return [flags] { return ServeArchive(flags->kind, flags->selection); };
}

}  // namespace kinglet
