// SPDX-License-Identifier: Apache-2.0
// The energy that the processor packages used over a span of time, where the machine tells (RAPL
// through Linux's powercap). It counts the whole package, other programs too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace kinglet {

class EnergyMeter {
 public:
  // Starts to count. root: the powercap folder, another one in tests.
  explicit EnergyMeter(const std::filesystem::path& root = "/sys/class/powercap");

  // Since the start; nothing where there are no counters or they may not be read. A counter wraps
  // within an hour or so of full load: what passes twice between two calls is counted once.
  std::optional<double> Joules();

 private:
  struct Counter {
    std::filesystem::path file;
    std::uint64_t last_uj = 0;   // microjoules
    std::uint64_t range_uj = 0;  // where the counter wraps
  };
  std::vector<Counter> counters_;
  double joules_ = 0;
};

}  // namespace kinglet
