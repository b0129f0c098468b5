// SPDX-License-Identifier: Apache-2.0
#include "claims/speed.h"

#include <cmath>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Speed, IsReadAsItWasWritten) {
  const Speed speed{.first_ms = {{16, {1.5, 2.5}}, {128, {9}}},
                    .token_ms = {3, 4},
                    .together_ms = {1},
                    .read_bytes_per_s = 1e10};
  const auto read = ReadSpeed(ToJson(speed));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->first_ms, speed.first_ms);
  EXPECT_EQ(read->token_ms, speed.token_ms);
  EXPECT_EQ(read->together_ms, speed.together_ms);
  EXPECT_EQ(read->read_bytes_per_s, speed.read_bytes_per_s);
}

TEST(Speed, IsNotReadFromWhatIsNone) {
  EXPECT_FALSE(ReadSpeed(json::object{}));
  json::object speed = ToJson(Speed{});
  EXPECT_TRUE(ReadSpeed(speed));
  speed["token_ms"] = json::array{"fast"};
  EXPECT_FALSE(ReadSpeed(speed));
  EXPECT_FALSE(ReadNumbers(nullptr));
}

TEST(Speed, IsAMedianThatOneDisturbanceLeavesAlone) {
  const std::vector<double> ms = {10, 11, 12, 13, 900};
  EXPECT_DOUBLE_EQ(EstimateMedian(ms, 1).mean, 12);
  EXPECT_DOUBLE_EQ(EstimateMedian(std::vector<double>{4, 2}, 1).mean, 3);
}

TEST(Speed, OneTimingSaysNothingOfAnother) {
  const Estimate ratio = EstimateRatio({2, 4}, {1}, 1);
  EXPECT_DOUBLE_EQ(ratio.mean, 3);
  EXPECT_TRUE(std::isinf(ratio.low) && std::isinf(ratio.high));
}

TEST(Speed, RatiosAreOfMedians) {
  const std::vector<double> one = {2, 4}, other = {1, 5};
  const Estimate ratio = EstimateRatio(one, other, 1);
  EXPECT_DOUBLE_EQ(ratio.mean, 1);
  EXPECT_DOUBLE_EQ(ratio.low, 0.4);  // the smaller one alone over the greater alone
  EXPECT_DOUBLE_EQ(ratio.high, 4);
}

}  // namespace
}  // namespace kinglet
