// SPDX-License-Identifier: Apache-2.0
// Against values that the benchmark's own scorer gives.
#include "eval/extraction.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(CompareTexts, CountsRunsOfFourWords) {
  // a b c d, b c d e | a b c d, b c d x: one in both of three.
  const Overlap overlap = CompareTexts("A b, c d: e", "A b c d x");
  EXPECT_DOUBLE_EQ(overlap.common, 1.0 / 3);
  EXPECT_DOUBLE_EQ(overlap.extra, 1.0 / 3);
  EXPECT_DOUBLE_EQ(overlap.missed, 1.0 / 3);
}

TEST(CompareTexts, CountsWhatComesTwice) {
  const Overlap overlap = CompareTexts("a a a a", "a a a a a");
  EXPECT_DOUBLE_EQ(overlap.common, 0.5);
  EXPECT_DOUBLE_EQ(overlap.extra, 0.5);
}

TEST(CompareTexts, KnowsShortTextsOtherScriptsAndNothing) {
  EXPECT_DOUBLE_EQ(CompareTexts("Диета — это", "Диета это").common, 1);
  EXPECT_DOUBLE_EQ(CompareTexts("one", "two").missed, 0.5);
  EXPECT_DOUBLE_EQ(CompareTexts("", "").common, 0);
  EXPECT_DOUBLE_EQ(CompareTexts("", "two").extra, 1);
  EXPECT_DOUBLE_EQ(CompareTexts("a_1 b", "a_1 b\xFF").common, 1);
}

}  // namespace
}  // namespace kinglet
