// SPDX-License-Identifier: Apache-2.0
// The filter is a list of what is allowed, as a program for the kernel's packet filter.
#include "base/sandbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace kinglet {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

constexpr rlim_t kMostFiles = 64;

constexpr int kCompute[] = {
    __NR_brk,          __NR_clock_gettime,  __NR_clock_nanosleep, __NR_close,
    __NR_exit,         __NR_exit_group,     __NR_fcntl,           __NR_fstat,
    __NR_futex,        __NR_getpid,         __NR_getrandom,       __NR_gettid,
    __NR_gettimeofday, __NR_lseek,          __NR_madvise,         __NR_mmap,
    __NR_mprotect,     __NR_mremap,         __NR_munmap,          __NR_newfstatat,
    __NR_pread64,      __NR_read,           __NR_readv,           __NR_restart_syscall,
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn,    __NR_sched_getaffinity,
    __NR_sched_yield,  __NR_sigaltstack,    __NR_sysinfo,         __NR_write,
    __NR_writev,
};

// What a program needs beside those to start and to read files.
constexpr int kRead[] = {
#if defined(__x86_64__)
    __NR_dup2,
    __NR_access,
    __NR_arch_prctl,
    __NR_readlink,
    __NR_stat,
    __NR_lstat,
    __NR_time,
#endif
    __NR_dup,
    __NR_dup3,
    __NR_execve,
    __NR_faccessat,
    __NR_faccessat2,
    __NR_getdents64,
    __NR_getcwd,
    __NR_geteuid,
    __NR_getuid,
    __NR_getgid,
    __NR_getegid,
    __NR_prlimit64,
    __NR_readlinkat,
    __NR_rseq,
    __NR_set_robust_list,
    __NR_set_tid_address,
    __NR_statx,
    __NR_uname,
};

// Any of these in the flags of open() makes or changes a file.
constexpr std::uint32_t kWrites =
    O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

class Filter {
 public:
  Filter() {
    Load(offsetof(seccomp_data, arch));
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0));
    Return(SECCOMP_RET_KILL_PROCESS);
    Load(offsetof(seccomp_data, nr));
  }

  void Allow(int call) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
    Return(SECCOMP_RET_ALLOW);
  }

  // Allowed where the lower half of that argument has none of the bits.
  void AllowWithout(int call, std::size_t argument, std::uint32_t bits) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 4));
    Load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    Return(SECCOMP_RET_ERRNO | EPERM);
    Return(SECCOMP_RET_ALLOW);
  }

  bool Install() {
    Return(SECCOMP_RET_ERRNO | EPERM);
    const sock_fprog program = {static_cast<unsigned short>(program_.size()), program_.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void Load(std::size_t offset) {
    program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void Return(std::uint32_t action) { program_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }

  std::vector<sock_filter> program_;
};

// Bytes of addresses that the process has.
std::uint64_t AddressBytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

bool Limit(int resource, rlim_t most) {
  const rlimit limit = {most, most};
  return setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

}  // namespace

Result<void> EnterSandbox(Sandbox sandbox, const SandboxLimits& limits) {
  const auto failed = [](std::string_view what) {
    return Error(StatusCode::kFailed, "cannot {}, so nothing is read: {}", what,
                 std::strerror(errno));
  };
  const bool limited = Limit(RLIMIT_AS, AddressBytes() + limits.memory_bytes) &&
                       Limit(RLIMIT_CPU, limits.cpu_s) && Limit(RLIMIT_NOFILE, kMostFiles) &&
                       Limit(RLIMIT_FSIZE, 0) && Limit(RLIMIT_CORE, 0);
  if (!limited) return failed("limit a process");
  Filter filter;
  for (const int call : kCompute) filter.Allow(call);
  if (sandbox == Sandbox::kReadFiles) {
    for (const int call : kRead) filter.Allow(call);
    filter.AllowWithout(__NR_openat, 2, kWrites);
#if defined(__x86_64__)
    filter.AllowWithout(__NR_open, 1, kWrites);
#endif
  }
  if (!filter.Install()) return failed("confine a process");
  return {};
}

}  // namespace kinglet
