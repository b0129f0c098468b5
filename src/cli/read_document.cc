// SPDX-License-Identifier: Apache-2.0
// kinglet read-document MEDIA_TYPE NAME: the confined end of document_reader.h, started by the
// other.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "knowledge/document_reader.h"

namespace kinglet {

CommandRun SetUpReadDocument(CLI::App& app, const Environment&) {
  struct Flags {
    std::string media_type;
    std::string name;
  };
  auto flags = std::make_shared<Flags>();
  app.add_option("MEDIA_TYPE", flags->media_type, "of standard input")->required();
  app.add_option("NAME", flags->name, "the file's")->required();
  return [flags]() -> Result<void> {
    fmt::print("{}", TRY(ServeDocument(flags->media_type, flags->name)));
    return {};
  };
}

}  // namespace kinglet
