// SPDX-License-Identifier: Apache-2.0
// What the processes that read strangers' bytes for us have in common, at either end: this program
// once more, with the bytes as standard input.
#pragma once

#include <string_view>

#include "base/file.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "base/status.h"

namespace kinglet {

// The inner end: all bytes of standard input, which must be a file, in a process that from then on
// can do nothing but compute, read them and write its output.
class ConfinedInput {
 public:
  static Result<ConfinedInput> Take(const SandboxLimits& limits = {});

  std::string_view bytes() const;

 private:
  explicit ConfinedInput(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
};

// The outer end: whether it was this program that gave up, and what it said of it.
bool IsErrorOfOurs(const ProcessOutput& output);
Status ErrorOfReader(const ProcessOutput& output);

}  // namespace kinglet
