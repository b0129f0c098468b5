// SPDX-License-Identifier: Apache-2.0
// The files that a command is to write, looked at before it works for hours: none of them may be
// what it reads, and each can be written.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace kinglet {

// A flag that names a file to write. An empty name is refused; without the flag `file` is empty.
CLI::Option* AddOutputFlag(CLI::App& app, const std::string& flag, std::string& file,
                           const std::string& what);

struct OutputFile {
  std::string flag;  // for messages
  std::string file;  // empty: not asked for
};

// kUsage where an output is another one, or an input, or what is there already in an input that is
// a folder. inputs: paths, and whatever else names an input. Devices and pipes may be anything. An
// output that could not be written is an error, too.
Result<void> CheckOutputs(std::initializer_list<OutputFile> outputs,
                          std::span<const std::string> inputs);

}  // namespace kinglet
