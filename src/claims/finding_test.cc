// SPDX-License-Identifier: Apache-2.0
#include "claims/finding.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

Figure Between(double low, double high) {
  return {.value = (low + high) / 2, .interval = std::pair(low, high)};
}

TEST(Finding, IsHeldOrRefutedByItsWholeInterval) {
  const Bound above{Side::kAbove, 0};
  EXPECT_EQ(Judge(Between(0.1, 5), above), Verdict::kHeld);
  EXPECT_EQ(Judge(Between(-5, -0.1), above), Verdict::kRefuted);
  EXPECT_EQ(Judge(Between(-0.1, 5), above), Verdict::kUndecided);
  EXPECT_EQ(Judge(Between(0, 5), above), Verdict::kUndecided);  // the bound is within
  const Bound below{Side::kBelow, 100};
  EXPECT_EQ(Judge(Between(90, 99), below), Verdict::kHeld);
  EXPECT_EQ(Judge(Between(101, 120), below), Verdict::kRefuted);
  EXPECT_EQ(Judge(Between(90, 120), below), Verdict::kUndecided);
}

TEST(Finding, IsJudgedByItsValueWhereNothingWasDrawn) {
  EXPECT_EQ(Judge({.value = 99}, {Side::kBelow, 100}), Verdict::kHeld);
  EXPECT_EQ(Judge({.value = 101}, {Side::kBelow, 100}), Verdict::kRefuted);
  EXPECT_EQ(Judge({.value = 100}, {Side::kBelow, 100}), Verdict::kUndecided);
}

TEST(Finding, OfTwoThingsIsRefutedWithEither) {
  EXPECT_EQ(Both(Verdict::kHeld, Verdict::kHeld), Verdict::kHeld);
  EXPECT_EQ(Both(Verdict::kHeld, Verdict::kUndecided), Verdict::kUndecided);
  EXPECT_EQ(Both(Verdict::kRefuted, Verdict::kUndecided), Verdict::kRefuted);
  EXPECT_EQ(Both(Verdict::kNotTestable, Verdict::kRefuted), Verdict::kRefuted);
  EXPECT_EQ(Both(Verdict::kNotTestable, Verdict::kHeld), Verdict::kNotTestable);
}

TEST(Finding, ConcludesByItsBound) {
  Finding finding{.bound = Bound{Side::kAbove, 0}};
  Conclude(finding, {.value = 3.14159, .interval = std::pair(-2.0, 8.25), .unit = "points"}, "Why");
  EXPECT_EQ(finding.verdict, Verdict::kUndecided);
  EXPECT_EQ(finding.why, "Why");
  EXPECT_EQ(ShowFigure(*finding.figure), "3.14 points (-2.00 to 8.25)");
}

}  // namespace
}  // namespace kinglet
