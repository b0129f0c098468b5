// SPDX-License-Identifier: Apache-2.0
// Half precision against itself and against the instruction's known corners.
#include "kernels/half.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(HalfTest, EveryHalfSurvivesTheWayThroughFloat) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = HalfToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      EXPECT_EQ(FloatToHalf(value), half) << value;
    }
  }
}

TEST(HalfTest, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(HalfToFloat(FloatToHalf(1.0F + 0x1p-11F)), 1.0F);                // tie, even is below
  EXPECT_EQ(HalfToFloat(FloatToHalf(1.0F + 3 * 0x1p-11F)), 1.0F + 0x1p-9F);  // tie, even is above
  EXPECT_EQ(HalfToFloat(FloatToHalf(1.0F + 0x1.1p-11F)), 1.0F + 0x1p-10F);
  EXPECT_EQ(FloatToHalf(65519.0F), 0x7bff);
  EXPECT_EQ(FloatToHalf(65520.0F), 0x7c00);
  EXPECT_EQ(FloatToHalf(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(FloatToHalf(0x1p-25F), 0);  // tie between 0 and the least subnormal
  EXPECT_EQ(FloatToHalf(0x1.8p-25F), 1);
  EXPECT_EQ(FloatToHalf(0x1.ff8p-15F), 0x3ff);
}

}  // namespace
}  // namespace kinglet
