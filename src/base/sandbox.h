// SPDX-License-Identifier: Apache-2.0
// What a process gives up for good before it reads bytes that may want to take it over.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace kinglet {

enum class Sandbox {
  kComputeOnly,  // memory, clocks, and reads and writes of the files that are open
  kReadFiles,    // files may be opened to be read too, and another program may take its place
};

struct SandboxLimits {
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;  // of addresses beyond those it has
  std::uint64_t cpu_s = 60;                             // the kernel ends it after so much work
};

// Limits of the kernel (setrlimit) and a filter of system calls (seccomp), which hold for what
// takes the process' place too. No network, no new process, no file written, no signal sent: a call
// that is not allowed fails with EPERM. kFailed where the system does not offer that; then nothing
// hostile may be read.
Result<void> EnterSandbox(Sandbox sandbox, const SandboxLimits& limits = {});

}  // namespace kinglet
