// SPDX-License-Identifier: Apache-2.0
// A machine whose times are known is learnt, and noise does not lead astray.
#include "engine/step_cost.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// 20 ms to read the weights, 0.5 ms a token beyond what that hides, 1 us a position.
double TrueMs(const StepWork& work) {
  return std::max(20.0, 0.5 * static_cast<double>(work.tokens)) + 1e-3 * work.attended;
}

TEST(StepCostTest, KnowsNothingAtFirstAndSaysSoInFiniteNumbers) {
  const StepCost cost;
  EXPECT_GT(cost.PredictMs({1, 1}), 0);
  EXPECT_TRUE(std::isfinite(cost.PredictMs({512, 1e6})));
  EXPECT_GT(cost.PredictMs({512, 0}), cost.PredictMs({1, 0}));
}

TEST(StepCostTest, LearnsAMachineFromItsSteps) {
  StepCost cost;
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i) {
    const StepWork work = WorkOf(random() % 4000, std::size_t{1} << (random() % 10));
    cost.Observe(work, TrueMs(work));
  }
  for (const std::size_t length : {0, 1000, 4000}) {
    for (const std::size_t count : {1, 4, 16, 100, 300, 512}) {
      const StepWork work = WorkOf(length, count);
      EXPECT_NEAR(cost.PredictMs(work), TrueMs(work), 0.2 * TrueMs(work))
          << count << " tokens behind " << length;
    }
  }
}

TEST(StepCostTest, AFewStepsAreEnoughForTheRest) {
  StepCost cost;
  for (const std::size_t count : {1, 16, 64})
    cost.Observe(WorkOf(0, count), TrueMs(WorkOf(0, count)));
  EXPECT_NEAR(cost.PredictMs(WorkOf(0, 40)), 25, 7);
  EXPECT_NEAR(cost.PredictMs(WorkOf(0, 512)), 256, 140);  // on along the last line
  EXPECT_GE(cost.PredictMs(WorkOf(0, 512)), cost.PredictMs(WorkOf(0, 256)));
}

TEST(StepCostTest, OneDisturbedStepChangesLittle) {
  StepCost cost;
  for (int i = 0; i < 100; ++i) cost.Observe(WorkOf(100, 1), 20);
  cost.Observe(WorkOf(100, 1), 5000);
  EXPECT_LT(cost.PredictMs(WorkOf(100, 1)), 25);
  cost.Observe({0, 0}, 7);
  cost.Observe(WorkOf(100, 1), NAN);
  cost.Observe(WorkOf(100, 1), -1);
  EXPECT_LT(cost.PredictMs(WorkOf(100, 1)), 25);
}

TEST(StepCostTest, TokensWithinABudgetFitItAndOneMoreDoesNot) {
  StepCost cost;
  for (int i = 0; i < 10; ++i) {
    for (std::size_t count = 1; count <= 512; count *= 2) {
      cost.Observe(WorkOf(0, count), TrueMs(WorkOf(0, count)));
    }
  }
  const StepWork others = WorkOf(500, 3);
  for (const double budget : {25.0, 40.0, 100.0}) {
    const std::size_t tokens = cost.TokensWithin(budget, others, 1000, 512);
    const auto with = [&](std::size_t count) {
      StepWork work = others;
      work += WorkOf(1000, count);
      return cost.PredictMs(work);
    };
    ASSERT_GT(tokens, 0U);
    EXPECT_LE(with(tokens), budget);
    EXPECT_GT(with(tokens + 1), budget);
  }
  EXPECT_EQ(cost.TokensWithin(1, others, 1000, 512), 0U);
  EXPECT_EQ(cost.TokensWithin(1e9, others, 1000, 512), 512U);
}

TEST(StepCostTest, GuessesAsFarAsTheyAreLikelyToSaveTime) {
  StepCost cost;  // 20 ms, and one more for each token
  for (const std::size_t count : {1, 2, 4, 8, 16, 32}) {
    cost.Observe({.tokens = count}, 20 + static_cast<double>(count));
  }
  const auto worth = [&](double token_ms, double probability) {
    return cost.TokensWorthGuessing(token_ms, probability, {.tokens = 1}, 0, 8);
  };
  EXPECT_EQ(worth(20, 1), 8U);
  EXPECT_EQ(worth(10, 0.5), 3U) << "5 + 2.5 + 1.25 ms for 3; the fourth would save 0.6 for 1";
  EXPECT_EQ(worth(1.5, 0.5), 0U);
  EXPECT_EQ(worth(20, 0), 0U);
  EXPECT_EQ(cost.TokensWorthGuessing(20, 1, {.tokens = 1}, 0, 0), 0U);
}

TEST(StepCostTest, MoreTokensNeverCostLess) {
  StepCost cost;
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    cost.Observe(WorkOf(random() % 500, 1 + random() % 512),
                 1.0 + static_cast<double>(random() % 100));
    double before = 0;
    for (std::size_t count = 1; count <= 512; count += 7) {
      const double ms = cost.PredictMs({count, 0});
      ASSERT_GE(ms, before) << count;
      before = ms;
    }
  }
}

}  // namespace
}  // namespace kinglet
