// SPDX-License-Identifier: Apache-2.0
// A subcommand: it adds its flags to the command line and returns what runs it. One file each; the
// table is in main.cc.
#pragma once

#include <functional>
#include <string_view>

#include "base/status.h"
#include "cli/environment.h"

namespace CLI {
class App;
}

namespace kinglet {

// Runs after the command line is parsed. The result goes to standard output, progress and warnings
// to standard error; main prints a Status as "kinglet: message" and makes the exit status of it.
using CommandRun = std::function<Result<void>()>;

struct Command {
  std::string_view name;
  std::string_view summary;  // the line in --help
  CommandRun (*set_up)(CLI::App& app, const Environment& environment);
};

}  // namespace kinglet
