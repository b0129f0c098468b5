// SPDX-License-Identifier: Apache-2.0
// Child processes: started without a shell, fed bytes or nothing, read within limits, and killed
// with all that they started when time is up or nobody wants the answer any more.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status.h"

namespace kinglet {

struct ProcessOptions {
  // argv[0] is looked up in PATH where it holds no "/". Nothing is expanded.
  std::vector<std::string> argv;
  // Set beside, or instead of, what the child inherits.
  std::vector<std::pair<std::string, std::string>> environment;
  std::optional<int> timeout_ms;
  // What its standard input holds, as a file that it may seek in; unset: /dev/null. Not kept.
  std::optional<std::string_view> input;
  // Instead of input: a file that is open, and stays the caller's.
  const FileDescriptor* input_file = nullptr;
  // Beyond it the child is killed: kLimitExceeded. Bytes that on_stdout takes do not count.
  std::size_t max_stdout_bytes = std::size_t{16} << 20;
  // Takes standard output as it comes, in place of ProcessOutput. An error kills the child.
  std::function<Result<void>(std::string_view)> on_stdout;
  // Asked about ten times a second; true kills the child: kCancelled.
  std::function<bool()> should_stop;
};

struct ProcessOutput {
  int exit_status = 0;
  std::string standard_output;
  std::string standard_error;  // its last 16 KiB

  // The last line of standard error that holds anything, escaped for a message.
  std::string LastError() const;
};

// Runs a child to its end. It gets its input and no other open file of ours; it leads a process
// group of its own, so Ctrl-C reaches us alone. An exit status other than 0 is no error here.
// kNotFound: there is no such program; kFailed: it cannot be started, ran out of time, or a signal
// ended it.
Result<ProcessOutput> RunProcess(const ProcessOptions& options);

}  // namespace kinglet
