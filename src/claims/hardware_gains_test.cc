// SPDX-License-Identifier: Apache-2.0
#include "claims/hardware_gains.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(HardwareGains, AreHeldAgainstThoseOfAlgorithms) {
  // Kernels gain 4, what follows 10.
  const std::vector<LadderStep> ladder = {{"scalar", true, {80, 80}, 0},
                                          {"avx2", true, {40, 40}, 0},
                                          {"avx512", true, {20, 20, 20}, 0},
                                          {"prefix", false, {10, 10, 10}, 0},
                                          {"together", false, {2, 2, 2}, 0}};
  const Figure gain = GainOfAlgorithms(ladder, 1);
  EXPECT_DOUBLE_EQ(gain.value, 2.5);
  ASSERT_TRUE(gain.interval);
  EXPECT_DOUBLE_EQ(gain.interval->first, 2.5);
  EXPECT_DOUBLE_EQ(gain.interval->second, 2.5);
}

TEST(HardwareGains, AreAsUncertainAsTheirRounds) {
  const std::vector<LadderStep> ladder = {
      {"scalar", true, {40, 40}, 0}, {"avx2", true, {20, 20}, 0}, {"together", false, {5, 15}, 0}};
  const Figure gain = GainOfAlgorithms(ladder, 1);
  EXPECT_DOUBLE_EQ(gain.value, 1);
  ASSERT_TRUE(gain.interval);
  EXPECT_DOUBLE_EQ(gain.interval->second, 2);  // of samples that hold the fast round alone
  EXPECT_LT(gain.interval->first, 1);
}

}  // namespace
}  // namespace kinglet
