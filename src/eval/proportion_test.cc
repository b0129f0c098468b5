// SPDX-License-Identifier: Apache-2.0
#include "eval/proportion.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(WilsonInterval, IsTheOneOfTheTables) {
  const Interval half = WilsonInterval(5, 10);
  EXPECT_NEAR(half.low, 0.2366, 1e-4);
  EXPECT_NEAR(half.high, 0.7634, 1e-4);
  const Interval most = WilsonInterval(81, 263);
  EXPECT_NEAR(most.low, 0.2553, 1e-4);
  EXPECT_NEAR(most.high, 0.3662, 1e-4);
}

TEST(WilsonInterval, StaysWithinNoneAndAll) {
  EXPECT_EQ(WilsonInterval(0, 20).low, 0);
  EXPECT_NEAR(WilsonInterval(0, 20).high, 0.1611, 1e-4);
  EXPECT_EQ(WilsonInterval(20, 20).high, 1);
  EXPECT_EQ(WilsonInterval(0, 0).low, 0);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1);
}

}  // namespace
}  // namespace kinglet
