// SPDX-License-Identifier: Apache-2.0
// The meter on a made-up powercap folder.
#include "base/energy.h"

#include <fstream>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

class EnergyTest : public testing::Test {
 protected:
  EnergyTest() : root_(testing::TempDir() + "kinglet_energy_test") {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~EnergyTest() override { std::filesystem::remove_all(root_); }

  void Write(const char* domain, const char* file, const char* value) {
    std::filesystem::create_directories(root_ / domain);
    std::ofstream(root_ / domain / file) << value << "\n";
  }

  std::filesystem::path root_;
};

TEST_F(EnergyTest, AddsPackagesAndLeavesTheirPartsOut) {
  for (const char* domain : {"intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"}) {
    Write(domain, "energy_uj", "1000000");
    Write(domain, "max_energy_range_uj", "10000000");
  }
  EnergyMeter meter(root_);
  Write("intel-rapl:0", "energy_uj", "3000000");
  Write("intel-rapl:1", "energy_uj", "1500000");
  Write("intel-rapl:0:0", "energy_uj", "9000000");
  EXPECT_DOUBLE_EQ(meter.Joules().value(), 2.5);
}

TEST_F(EnergyTest, CountsNothingTwice) {
  const std::pair<const char*, const char*> domains[] = {
      {"intel-rapl:0", "package-0"}, {"intel-rapl:1", "psys"}, {"intel-rapl:2", "package-1"}};
  for (const auto& [domain, name] : domains) {
    Write(domain, "name", name);
    Write(domain, "energy_uj", "0");
    Write(domain, "max_energy_range_uj", "10000000");
  }
  EnergyMeter meter(root_);
  for (const auto& [domain, name] : domains) Write(domain, "energy_uj", "1000000");
  EXPECT_DOUBLE_EQ(meter.Joules().value(), 2);
}

TEST_F(EnergyTest, FollowsACounterThatWraps) {
  Write("intel-rapl:0", "energy_uj", "9000000");
  Write("intel-rapl:0", "max_energy_range_uj", "10000000");
  EnergyMeter meter(root_);
  Write("intel-rapl:0", "energy_uj", "500000");
  EXPECT_DOUBLE_EQ(meter.Joules().value(), 1.5);
  Write("intel-rapl:0", "energy_uj", "9500000");
  EXPECT_DOUBLE_EQ(meter.Joules().value(), 10.5);
  Write("intel-rapl:0", "energy_uj", "1000000");
  EXPECT_DOUBLE_EQ(meter.Joules().value(), 12);
}

TEST_F(EnergyTest, SaysNothingWhereTheMachineDoesNotTell) {
  EXPECT_FALSE(EnergyMeter(root_).Joules());
  EXPECT_FALSE(EnergyMeter(root_ / "none").Joules());
}

}  // namespace
}  // namespace kinglet
