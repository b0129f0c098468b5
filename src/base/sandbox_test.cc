// SPDX-License-Identifier: Apache-2.0
// Each in a process of its own, which tells by its exit status what it could do.
#include "base/sandbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace kinglet {
namespace {

using testing::ExitedWithCode;

// Ends the process with the number of the first thing that could be done although it must not.
template <typename... Tries>
[[noreturn]] void ExpectNone(Sandbox sandbox, Tries... tries) {
  if (!EnterSandbox(sandbox)) _exit(100);
  int number = 0;
  int done = 0;
  ((++number, done = done == 0 && tries() ? number : done), ...);
  _exit(done);
}

bool Opens(const char* path, int flags) { return open(path, flags, 0600) >= 0; }

TEST(SandboxDeathTest, LeavesMemoryAndOpenFilesAlone) {
  EXPECT_EXIT(ExpectNone(
                  Sandbox::kComputeOnly, [] { return Opens("/etc/passwd", O_RDONLY); },
                  [] { return socket(AF_INET, SOCK_STREAM, 0) >= 0; },
                  [] { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }, [] { return fork() >= 0; },
                  [] { return kill(getppid(), 0) == 0; },
                  [] { return execl("/bin/false", "false", nullptr) == 0; },
                  [] { return unlink("/tmp/kinglet-sandbox-test") == 0 || errno != EPERM; }),
              ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        std::vector<char> memory;
        int ends[2] = {};
        if (pipe(ends) != 0 || !EnterSandbox(Sandbox::kComputeOnly)) _exit(100);
        memory.resize(std::size_t{64} << 20, 'a');
        char back = 0;
        _exit(write(ends[1], &memory.back(), 1) == 1 && read(ends[0], &back, 1) == 1 && back == 'a'
                  ? 0
                  : 1);
      },
      ExitedWithCode(0), "");
}

TEST(SandboxDeathTest, OpensFilesToReadThem) {
  EXPECT_EXIT(ExpectNone(
                  Sandbox::kReadFiles, [] { return !Opens("/etc/passwd", O_RDONLY); },
                  [] { return Opens("/dev/null", O_WRONLY); },
                  [] { return Opens("/tmp/kinglet-sandbox-test", O_RDWR | O_CREAT); },
                  [] { return Opens("/tmp", O_TMPFILE | O_RDWR); },
                  [] { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }, [] { return fork() >= 0; }),
              ExitedWithCode(0), "");
}

TEST(SandboxDeathTest, HoldsForTheProgramThatTakesItsPlace) {
  EXPECT_EXIT(
      {
        if (!EnterSandbox(Sandbox::kReadFiles)) _exit(100);
        execl("/bin/sh", "sh", "-c",
              "exec 2>&-; read line </etc/passwd && ! true >/tmp/kinglet-sandbox-test", nullptr);
        _exit(101);
      },
      ExitedWithCode(0), "");
}

TEST(SandboxDeathTest, EndsWhatTakesTooMuch) {
  EXPECT_EXIT(
      {
        if (!EnterSandbox(Sandbox::kComputeOnly, {.memory_bytes = std::uint64_t{32} << 20})) {
          _exit(100);
        }
        void* const memory = mmap(nullptr, std::size_t{256} << 20, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        _exit(memory == MAP_FAILED ? 0 : 1);
      },
      ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        if (!EnterSandbox(Sandbox::kComputeOnly, {.cpu_s = 1})) _exit(100);
        for (volatile unsigned i = 0;;) i = i + 1;
      },
      testing::KilledBySignal(SIGKILL), "");
}

}  // namespace
}  // namespace kinglet
