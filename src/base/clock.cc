// SPDX-License-Identifier: Apache-2.0
// The system's clocks.
#include "base/clock.h"

#include <time.h>

#include <chrono>

#include <fmt/chrono.h>

namespace kinglet {

double MonotonicMs() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

namespace {

double CpuMs(clockid_t whose) {
  timespec time{};
  clock_gettime(whose, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

}  // namespace

double ThreadCpuMs() { return CpuMs(CLOCK_THREAD_CPUTIME_ID); }

double ProcessCpuMs() { return CpuMs(CLOCK_PROCESS_CPUTIME_ID); }

std::int64_t UnixSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string Iso8601(std::int64_t unix_seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

// strptime takes one digit for two, and a 31st of June: what comes back must be what was given.
std::optional<std::int64_t> ParseIso8601(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::int64_t seconds = timegm(&parts);
  if (Iso8601(seconds) != text) return std::nullopt;
  return seconds;
}

}  // namespace kinglet
