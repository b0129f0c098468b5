// SPDX-License-Identifier: Apache-2.0
// What supports a claim more, by words.
#include "eval/support_score.h"

#include <cmath>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

constexpr std::string_view kPassage =
    "The alien utility converts RPM packages into Debian packages. It was written in 1997.";

double Score(std::string_view claim) { return SupportScore(claim, kPassage); }

TEST(SupportScoreTest, CountsWhatIsMissingAndHowManyPiecesTheRestIsOf) {
  // Five words from one place; from three; four from one, and one from none.
  EXPECT_NEAR(Score("It was written in 1997."), std::exp(-0.1 / 1.25), 1e-9);
  EXPECT_NEAR(Score("Written in 1997, it converts."), std::exp(-0.3 / 1.25), 1e-9);
  EXPECT_NEAR(Score("It was written in 1998."), std::exp(-1.1 / 1.25), 1e-9);
}

TEST(SupportScoreTest, PrefersWhatThePassageSays) {
  EXPECT_GT(Score("alien converts packages"), Score("alien breaks packages"));
  EXPECT_GT(Score("It was written in 1997."), Score("It was not written in 1997."));
  EXPECT_GT(Score("converting RPM packages"), 0.9) << "forms of a word are one";
}

TEST(SupportScoreTest, FindsTheLongestRunWhereverItBegins) {
  // "packages" stands twice; only from the first on does the run go on.
  EXPECT_NEAR(Score("packages into Debian"), std::exp(-0.1 / 1.15), 1e-9);
  EXPECT_NEAR(Score("packages it"), std::exp(-0.1 / 1.1), 1e-9);
}

TEST(SupportScoreTest, ForgivesALongClaimMore) {
  const double of_short = Score("It was written in 1998.");
  const double of_long = Score(
      "The alien utility converts RPM packages into Debian packages. It was written in 1998.");
  EXPECT_GT(of_long, of_short);
}

TEST(SupportScoreTest, GivesNothingToNothing) {
  EXPECT_EQ(Score(""), 0);
  EXPECT_EQ(Score("?!"), 0);
  EXPECT_EQ(WordContainment("", kPassage), 0);
  EXPECT_LT(SupportScore("alien", ""), 0.5);
  EXPECT_LT(Score("\xFF\xFE"), 1);
}

TEST(SupportScoreTest, ContainmentIsAShareOfWords) {
  EXPECT_EQ(WordContainment("It was written in 1998.", kPassage), 0.8);
  EXPECT_EQ(WordContainment("1997 1997", kPassage), 1);
}

}  // namespace
}  // namespace kinglet
