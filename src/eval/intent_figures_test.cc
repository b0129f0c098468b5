// SPDX-License-Identifier: Apache-2.0
#include "eval/intent_figures.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(IntentFigures, AreThoseOfTheirDefinitions) {
  std::vector<JudgedIntent> judged;
  for (int i = 0; i < 40; ++i) {  // scores 0.60 to 0.99
    judged.push_back({.in_scope = true,
                      .right = i >= 10,
                      .confidence = 0.75,
                      .scope_score = 0.6 + 0.01 * i,
                      .rejected = i < 4});
  }
  for (int i = 0; i < 10; ++i) {  // one of them above all, one between the third and the fourth
    judged.push_back({.scope_score = i == 0 ? 1 : i == 1 ? 0.625 : 0.1, .rejected = i > 1});
  }
  const IntentFigures figures = FiguresOf(judged);
  EXPECT_EQ(figures.in_scope, 40U);
  EXPECT_EQ(figures.out_of_scope, 10U);
  EXPECT_DOUBLE_EQ(figures.accuracy.mean, 0.75);
  EXPECT_LT(figures.accuracy.low, 0.75);
  EXPECT_GT(figures.accuracy.high, 0.75);
  EXPECT_NEAR(figures.ece.mean, 0, 1e-12);
  EXPECT_EQ(figures.bins[7].count, 40U);
  EXPECT_DOUBLE_EQ(figures.rejected.mean, 0.1);
  ASSERT_TRUE(figures.out);
  EXPECT_DOUBLE_EQ(figures.out->recall.mean, 0.8);
  EXPECT_DOUBLE_EQ(figures.out->recall_at_5.mean, 0.8);  // two of 40 may be below
  EXPECT_NEAR(figures.out->auroc.mean, (8 * 40 + 37) / 400.0, 1e-12);
}

TEST(IntentFigures, OfOneKindHaveNoOther) {
  const std::vector<JudgedIntent> in = {{.in_scope = true, .right = true, .confidence = 1}};
  EXPECT_FALSE(FiguresOf(in).out);
  const std::vector<JudgedIntent> out = {{.scope_score = 0.1}};
  EXPECT_FALSE(FiguresOf(out).out);
  EXPECT_EQ(FiguresOf(out).in_scope, 0U);
}

}  // namespace
}  // namespace kinglet
