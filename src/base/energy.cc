// SPDX-License-Identifier: Apache-2.0
// Reads intel-rapl:N/energy_uj (AMD's drivers use the same name). Sub-domains, intel-rapl:N:M, are
// part of N.
#include "base/energy.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

namespace kinglet {
namespace {

std::optional<std::uint64_t> ReadNumber(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  if (!(in >> value)) return std::nullopt;
  return value;
}

// A domain may stand beside the packages that counts them a second time: psys, the whole platform.
bool IsPackage(const std::filesystem::path& domain) {
  const std::string name = domain.filename().string();
  if (!name.starts_with("intel-rapl:") || std::ranges::count(name, ':') != 1) return false;
  std::string what;
  std::ifstream(domain / "name") >> what;
  return what.empty() || what.starts_with("package");
}

}  // namespace

EnergyMeter::EnergyMeter(const std::filesystem::path& root) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    if (!IsPackage(it->path())) continue;
    const auto start = ReadNumber(it->path() / "energy_uj");
    const auto range = ReadNumber(it->path() / "max_energy_range_uj");
    if (start && range) counters_.push_back({it->path() / "energy_uj", *start, *range});
  }
}

std::optional<double> EnergyMeter::Joules() {
  if (counters_.empty()) return std::nullopt;
  for (Counter& counter : counters_) {
    const auto now = ReadNumber(counter.file);
    if (!now) return std::nullopt;
    const std::uint64_t last = std::exchange(counter.last_uj, *now);
    const std::uint64_t used = *now >= last ? *now - last : *now + counter.range_uj - last;
    joules_ += static_cast<double>(used) * 1e-6;
  }
  return joules_;
}

}  // namespace kinglet
