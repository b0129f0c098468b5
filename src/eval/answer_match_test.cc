// SPDX-License-Identifier: Apache-2.0
// The scorer's rule, by hand.
#include "eval/answer_match.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

using Words = std::vector<std::string>;

TEST(AnswerMatchTest, ReadsTheWordsThatCount) {
  EXPECT_EQ(AnswerWords("The  U.S. Army, a \"theory\""), (Words{"us", "army", "theory"}));
  EXPECT_EQ(AnswerWords("an-the"), Words{"anthe"}) << "punctuation goes before articles";
  EXPECT_EQ(AnswerWords("a\u2013the\u2013b"), (Words{"\u2013", "\u2013b"}));
  EXPECT_EQ(AnswerWords("\u00C9cole \u00A35\u00A0m"), (Words{"\u00E9cole", "\u00A35", "m"}));
  EXPECT_TRUE(AnswerWords("the").empty());
  EXPECT_TRUE(AnswerWords("").empty());
}

TEST(AnswerMatchTest, ScoresAgainstTheBestGoldAnswer) {
  const std::vector<std::string> gold = {"the Norman conquest of 1066", "in 1066"};
  const AnswerScore exact = ScoreAnswer("In 1066.", gold);
  EXPECT_EQ(exact.exact, 1);
  EXPECT_EQ(exact.f1, 1);
  const AnswerScore part = ScoreAnswer("1066", gold);
  EXPECT_EQ(part.exact, 0);
  EXPECT_NEAR(part.f1, 2.0 / 3, 1e-12);
  EXPECT_NEAR(ScoreAnswer("1066 1066 1066", gold).f1, 2.0 / 5, 1e-12) << "each counts once";
  EXPECT_EQ(ScoreAnswer("", gold).f1, 0);
}

TEST(AnswerMatchTest, ComparesWordsBothWays) {
  const WordOverlap overlap = CompareWords("The hens lay eggs.", "hens lay, and hens sleep");
  EXPECT_NEAR(overlap.precision, 2.0 / 3, 1e-12);
  EXPECT_NEAR(overlap.recall, 2.0 / 5, 1e-12);
  EXPECT_NEAR(overlap.f1, 4.0 / 8, 1e-12);
  EXPECT_EQ(CompareWords("", "hens").f1, 0);
}

TEST(AnswerMatchTest, KnowsThatNoneIsRightWhereThereIsNone) {
  EXPECT_EQ(ScoreAnswer("", {}).exact, 1);
  EXPECT_EQ(ScoreAnswer("the", {}).f1, 1) << "it holds no word that counts";
  EXPECT_EQ(ScoreAnswer("1066", {}).f1, 0);
}

}  // namespace
}  // namespace kinglet
