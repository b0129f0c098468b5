// SPDX-License-Identifier: Apache-2.0
// Shares add up to what was used, whatever ran beside whatever; a made-up machine.
#include "ledger/machine_meter.h"

#include <fstream>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

class MachineMeterTest : public testing::Test {
 protected:
  MachineMeter Make(PowerModel power = {.idle_watts = 10, .active_watts = 50}) {
    return MachineMeter(power, /*cpus=*/4, [this] { return now_; });
  }
  static LedgerLine End(MachineMeter::Share share) {
    LedgerLine line;
    share.End(line);
    return line;
  }

  MachineReading now_;
};

TEST_F(MachineMeterTest, CountsWhatTheProcessorTells) {
  now_.joules = 7;
  MachineMeter meter = Make();
  now_ = {.ms = 500, .joules = 100};  // nobody's
  auto share = meter.Begin();
  now_ = {.ms = 1500, .joules = 130};
  const LedgerLine line = End(std::move(share));
  EXPECT_DOUBLE_EQ(line.machine_ms, 1000);
  EXPECT_DOUBLE_EQ(line.joules.value(), 30);
  EXPECT_EQ(line.joules_source, "rapl");
}

TEST_F(MachineMeterTest, EstimatesFromHowBusyTheProcessorsAre) {
  MachineMeter meter = Make();
  auto share = meter.Begin();
  now_ = {.ms = 2000, .cpu_ms = 4000};  // two of four processors
  const LedgerLine line = End(std::move(share));
  EXPECT_DOUBLE_EQ(line.joules.value(), 2 * (10 + 40 * 0.5));
  EXPECT_EQ(line.joules_source, "estimate");
}

TEST_F(MachineMeterTest, SharesEvenlyAmongThoseThatRun) {
  now_.joules = 0;
  MachineMeter meter = Make();
  auto first = meter.Begin();
  now_ = {.ms = 100, .joules = 10};
  auto second = meter.Begin();
  now_ = {.ms = 200, .joules = 40};
  const LedgerLine one = End(std::move(first));
  now_ = {.ms = 250, .joules = 45};
  const LedgerLine other = End(std::move(second));
  EXPECT_DOUBLE_EQ(one.machine_ms, 100 + 50);
  EXPECT_DOUBLE_EQ(one.joules.value(), 10 + 15);
  EXPECT_DOUBLE_EQ(other.machine_ms, 50 + 50);
  EXPECT_DOUBLE_EQ(other.joules.value(), 15 + 5);
}

TEST_F(MachineMeterTest, OneThatIsGivenUpLeaves) {
  now_.joules = 0;
  MachineMeter meter = Make();
  auto kept = meter.Begin();
  {
    const auto refused = meter.Begin();
  }
  now_ = {.ms = 100, .joules = 10};
  EXPECT_DOUBLE_EQ(End(std::move(kept)).joules.value(), 10);
}

TEST_F(MachineMeterTest, EstimatesFromWhereACounterIsLost) {
  now_.joules = 0;
  MachineMeter meter = Make();
  auto share = meter.Begin();
  now_ = {.ms = 1000};
  EXPECT_EQ(End(std::move(share)).joules_source, "estimate");
}

TEST(MachineMeter, CountsFromTheCountersOfLinux) {
  const auto root = std::filesystem::path(testing::TempDir()) / "machine_meter";
  std::filesystem::create_directories(root / "intel-rapl:0");
  const auto count = [&](int microjoules) {
    std::ofstream(root / "intel-rapl:0/energy_uj") << microjoules;
  };
  std::ofstream(root / "intel-rapl:0/max_energy_range_uj") << 10'000'000;
  count(9'000'000);
  MachineMeter meter(PowerModel{}, root);
  auto share = meter.Begin();
  count(500'000);  // round the counter's end
  LedgerLine line;
  share.End(line);
  EXPECT_DOUBLE_EQ(line.joules.value(), 1.5);
  EXPECT_EQ(line.joules_source, "rapl");
  std::filesystem::remove_all(root);
}

TEST(MachineMeter, OfThisMachineSaysWhereItsJoulesAreFrom) {
  MachineMeter meter(PowerModel{});
  auto share = meter.Begin();
  LedgerLine line;
  share.End(line);
  EXPECT_GE(line.machine_ms, 0);
  EXPECT_GE(line.joules.value(), 0);
  EXPECT_TRUE(line.joules_source == "rapl" || line.joules_source == "estimate");
}

}  // namespace
}  // namespace kinglet
