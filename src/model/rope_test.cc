// SPDX-License-Identifier: Apache-2.0
// The speeds of rotation against the formulas of the papers.
#include "model/rope.h"

#include <cmath>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

ModelConfig ConfigWith(RopeScaling scaling, double scale) {
  ModelConfig config;
  config.rope_dim = 128;
  config.rope_base = 1e6;
  config.rope_scaling = scaling;
  config.rope_scale = scale;
  config.rope_original_context = 32768;
  return config;
}

TEST(RopeTest, SpeedsAreThePowersOfTheBase) {
  const Rope rope = MakeRope(ConfigWith(RopeScaling::kNone, 1), {});
  ASSERT_EQ(rope.speeds.size(), 64U);
  EXPECT_EQ(rope.speeds[0], 1.0);
  EXPECT_NEAR(rope.speeds[32], 1e-3, 1e-15);
  EXPECT_EQ(rope.magnitude, 1.0);
}

TEST(RopeTest, LinearScalingSlowsAllPairsAlike) {
  const Rope plain = MakeRope(ConfigWith(RopeScaling::kNone, 1), {});
  const Rope scaled = MakeRope(ConfigWith(RopeScaling::kLinear, 4), {});
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(scaled.speeds[i], plain.speeds[i] / 4);
  EXPECT_EQ(scaled.magnitude, 1.0);
}

// Qwen's long contexts: base 1e6, 4 times 32,768 tokens. Pair 23.6 turns 32 times in these and pair
// 39.6 once, so that pairs up to 23 keep their speed and those from 40 on take all of the scaling.
TEST(RopeTest, YarnSlowsTheSlowPairsAlone) {
  const Rope plain = MakeRope(ConfigWith(RopeScaling::kNone, 1), {});
  const Rope yarn = MakeRope(ConfigWith(RopeScaling::kYarn, 4), {});
  for (std::size_t i = 0; i <= 23; ++i) EXPECT_EQ(yarn.speeds[i], plain.speeds[i]) << i;
  for (std::size_t i = 40; i < 64; ++i) EXPECT_EQ(yarn.speeds[i], plain.speeds[i] / 4) << i;
  const double share = (30.0 - 23) / (40 - 23);
  EXPECT_NEAR(yarn.speeds[30] / plain.speeds[30], 1 - share + share / 4, 1e-15);
  EXPECT_NEAR(yarn.magnitude, 1 + 0.1 * std::log(4.0), 1e-15);
}

TEST(RopeTest, YarnTakesAFileOwnFactorAndTurns) {
  ModelConfig config = ConfigWith(RopeScaling::kYarn, 4);
  config.rope_attention_factor = 0.5;
  config.rope_beta_fast = config.rope_beta_slow = 8;  // a step between two neighbours
  const Rope plain = MakeRope(ConfigWith(RopeScaling::kNone, 1), {});
  const Rope yarn = MakeRope(config, {});
  EXPECT_NEAR(yarn.magnitude, 0.5 + 0.05 * std::log(4.0), 1e-15);
  int between = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    const double ratio = yarn.speeds[i] / plain.speeds[i];
    if (ratio != 1 && ratio != 0.25) ++between;
    if (i > 0) {
      EXPECT_LE(ratio, yarn.speeds[i - 1] / plain.speeds[i - 1]);
    }
  }
  EXPECT_LE(between, 1);
  EXPECT_EQ(yarn.speeds[63], plain.speeds[63] / 4);
}

}  // namespace
}  // namespace kinglet
