// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program, ends it as kill -9 does at one of the calls that change a file or wait
// for the disk: at the $KILL_STEP-th, counted from 1, and $KILL_MOMENT "before", "amid" (half of
// what is written) or "after" it.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

enum class Moment { kBefore, kAmid, kAfter };

Moment MomentOfDeath() {
  const char* name = std::getenv("KILL_MOMENT");
  if (name == nullptr || std::string_view(name) == "before") return Moment::kBefore;
  return std::string_view(name) == "amid" ? Moment::kAmid : Moment::kAfter;
}

// Whether this call is the one. Does not return where death comes before it.
bool IsLastStep() {
  static std::atomic<long> steps = 0;
  const char* last = std::getenv("KILL_STEP");
  if (last == nullptr || ++steps != std::atol(last)) return false;
  if (MomentOfDeath() == Moment::kBefore) std::raise(SIGKILL);
  return true;
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

template <typename Function, typename... Arguments>
int Step(Function* real, Arguments... arguments) {
  const bool last = IsLastStep();
  const int result = real(arguments...);
  if (last) std::raise(SIGKILL);
  return result;
}

template <typename Function, typename... Offset>
ssize_t Write(Function* real, int fd, const void* data, std::size_t bytes, Offset... offset) {
  const bool last = IsLastStep();
  if (last && MomentOfDeath() == Moment::kAmid) bytes /= 2;
  const ssize_t result = real(fd, data, bytes, offset...);
  if (last) std::raise(SIGKILL);
  return result;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, std::size_t bytes) {
  static auto* const real = Real<decltype(write)>("write");
  return Write(real, fd, data, bytes);
}

ssize_t pwrite64(int fd, const void* data, std::size_t bytes, off64_t offset) {
  static auto* const real = Real<decltype(pwrite64)>("pwrite64");
  return Write(real, fd, data, bytes, offset);
}

int fsync(int fd) {
  static auto* const real = Real<decltype(fsync)>("fsync");
  return Step(real, fd);
}

int fdatasync(int fd) {
  static auto* const real = Real<decltype(fdatasync)>("fdatasync");
  return Step(real, fd);
}

int ftruncate64(int fd, off64_t bytes) {
  static auto* const real = Real<decltype(ftruncate64)>("ftruncate64");
  return Step(real, fd, bytes);
}

int unlink(const char* path) {
  static auto* const real = Real<decltype(unlink)>("unlink");
  return Step(real, path);
}

int rename(const char* from, const char* to) {
  static auto* const real = Real<decltype(rename)>("rename");
  return Step(real, from, to);
}

}  // extern "C"
