// SPDX-License-Identifier: Apache-2.0
// Intervals with two ends, one, and none.
#include "eval/show_interval.h"

#include <limits>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

TEST(ShowInterval, SaysWhichEndsThereAre) {
  EXPECT_EQ(ShowInterval(0.25, 0.75), "0.250 to 0.750");
  EXPECT_EQ(ShowInterval(-1, 2, Signed<1>), "-1.0 to +2.0");
  EXPECT_EQ(ShowInterval(0.25, kInfinity, Fixed<2>), "0.25 or more");
  EXPECT_EQ(ShowInterval(-kInfinity, 0.25, Fixed<2>), "0.25 or less");
}

TEST(ShowInterval, ShowsNoEndThatIsNoNumber) {
  EXPECT_EQ(ShowInterval(-kInfinity, kInfinity), "no interval");
  EXPECT_EQ(ShowInterval(kInfinity, kInfinity), "no interval");
  EXPECT_EQ(ShowInterval(kNoNumber, kNoNumber), "no interval");
  EXPECT_EQ(ShowInterval(0.25, kNoNumber), "no interval");
  EXPECT_EQ(ShowInterval(kNoNumber, 0.25), "no interval");
}

TEST(ShowMean, IsTheSameOfNumbersAndOfJson) {
  EXPECT_EQ(ShowMean(0.5, 0.25, 0.75), "   0.500   95 %: 0.250 to 0.750");
  EXPECT_EQ(ShowMean(json::value(0.5), json::array{0.25, 0.75}), ShowMean(0.5, 0.25, 0.75));
  EXPECT_EQ(ShowMean(json::value(1), json::array{-kInfinity, kInfinity}),
            "   1.000   95 %: no interval");
  EXPECT_EQ(ShowMean(json::value(1), json::array{nullptr, nullptr}),
            "   1.000   95 %: no interval");
  EXPECT_EQ(ShowMean(json::value(), json::value()), "    none   95 %: no interval");
}

}  // namespace
}  // namespace kinglet
