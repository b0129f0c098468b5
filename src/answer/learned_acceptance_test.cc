// SPDX-License-Identifier: Apache-2.0
// What is learned from a ledger's answers that were made by hand.
#include "answer/learned_acceptance.h"

#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// `count` answers of each confidence from 0.05 to 0.95, of which so many in ten are useful.
void AddSteps(std::vector<JudgedStep>& steps, const char* model, int (*useful)(double), int count) {
  for (int tenth = 0; tenth < 10; ++tenth) {
    const double confidence = 0.1 * tenth + 0.05;
    for (int i = 0; i < count; ++i) {
      steps.push_back({.first_model = "small",
                       .model = model,
                       .confidence = confidence,
                       .useful = i % 10 < useful(confidence),
                       .has_thumb = i % 2 == 0,
                       .machine_ms = model[0] == 's' ? 100.0 : 400.0,
                       .cost = model[0] == 's' ? 1.0 : 4.0});
    }
  }
}

int AsSure(double confidence) { return static_cast<int>(10 * confidence); }
int Nine(double) { return 9; }

std::vector<JudgedStep> Steps(int count = 20) {
  std::vector<JudgedStep> steps;
  AddSteps(steps, "small", AsSure, count);
  AddSteps(steps, "large", Nine, count);
  return steps;
}

TEST(LearnedAcceptance, LosesNoMoreThanIsAskedFor) {
  const auto strict = LearnAcceptance(Steps(), {.max_loss = 0.02});
  ASSERT_TRUE(strict) << strict.error().message();
  EXPECT_EQ(strict->of_first, 200U);
  EXPECT_EQ(strict->of_next, 200U);
  EXPECT_EQ(strict->thumbs, 200U);
  EXPECT_NEAR(strict->next_right, 0.9, 0.01);
  EXPECT_LE(strict->outlook.loss, 0.02);
  EXPECT_GT(strict->outlook.accept, 0.7) << "where the small one is about as good";
  const auto lax = LearnAcceptance(Steps(), {.max_loss = 0.2});
  ASSERT_TRUE(lax);
  EXPECT_LT(lax->outlook.accept, strict->outlook.accept);
  EXPECT_GT(lax->outlook.accepted, strict->outlook.accepted);
  EXPECT_LE(lax->outlook.loss, 0.2);
}

TEST(LearnedAcceptance, CostsNoMoreThanIsAskedFor) {
  const auto learned = LearnAcceptance(Steps(), {.max_cost = 2.5});
  ASSERT_TRUE(learned);
  EXPECT_TRUE(learned->in_money);
  EXPECT_NEAR(learned->outlook.cost, 2.5, 1e-9);
  EXPECT_NEAR(learned->outlook.accepted, 0.5, 1e-9);
  EXPECT_NEAR(learned->outlook.accept, 0.55, 1e-9);
  std::vector<JudgedStep> unpriced = Steps();
  unpriced.front().cost.reset();
  EXPECT_EQ(LearnAcceptance(unpriced, {.max_cost = 2.5}).error().code(), StatusCode::kUsage);
  const auto in_time = LearnAcceptance(unpriced, {.max_loss = 1});
  ASSERT_TRUE(in_time);
  EXPECT_FALSE(in_time->in_money);
  EXPECT_NEAR(in_time->outlook.cost, 100, 1e-9);
}

TEST(LearnedAcceptance, RefusesWhereThereIsTooLittle) {
  EXPECT_EQ(LearnAcceptance(Steps(4), {}).error().code(), StatusCode::kNotFound);
  std::vector<JudgedStep> small_alone;
  AddSteps(small_alone, "small", AsSure, 20);
  EXPECT_EQ(LearnAcceptance(small_alone, {}).error().code(), StatusCode::kNotFound);
  std::vector<JudgedStep> alike;
  AddSteps(alike, "small", [](double) { return 10; }, 20);
  AddSteps(alike, "large", Nine, 20);
  const auto learned = LearnAcceptance(alike, {});
  ASSERT_FALSE(learned);
  EXPECT_NE(learned.error().message().find("thumbs"), std::string::npos);
}

}  // namespace
}  // namespace kinglet
