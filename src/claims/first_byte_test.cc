// SPDX-License-Identifier: Apache-2.0
#include "claims/first_byte.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(FirstByte, IsForeseenByWeightsTimesTokens) {
  const std::vector<MeasuredModel> measured = {
      {"small", {.body = 100, .output = 100}, {.first_ms = {{9, {10, 10}}}, .token_ms = {2, 2}}},
      {"large", {.body = 200, .output = 200}, {.first_ms = {{9, {30, 30}}}, .token_ms = {4, 4}}}};
  const ModelShape wanted{.body = 1000, .output = 1000};
  // 10 000 products: the large model's 2000 took 30 ms, the small one's 1000 took 10.
  const Figure nine = Foresee(measured, wanted, 9);
  EXPECT_DOUBLE_EQ(nine.value, 150);
  ASSERT_TRUE(nine.interval);
  EXPECT_DOUBLE_EQ(nine.interval->first, 100);
  EXPECT_DOUBLE_EQ(nine.interval->second, 150);
  // One new token takes what writing one takes.
  EXPECT_DOUBLE_EQ(Foresee(measured, wanted, 1).value, 20);
}

}  // namespace
}  // namespace kinglet
