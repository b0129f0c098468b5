// SPDX-License-Identifier: Apache-2.0
// Outcomes made by hand, whose difference is known.
#include "claims/retrieval_claim.h"

#include <gtest/gtest.h>

#include "claims/outcomes_for_test.h"

namespace kinglet {
namespace {

class RetrievalClaimTest : public testing::Test {
 protected:
  // Of each of 8 articles: two answerable questions and two others.
  void Make(const std::string& small_says, const std::string& large_says) {
    for (int article = 0; article < 8; ++article) {
      for (int i = 0; i < 4; ++i) {
        const PassageQuestion& question =
            made_.Ask(std::string(1, static_cast<char>('a' + article)), i < 2,
                      i == 0 ? "It is Paris." : "It is Lyon.");
        small_.push_back(MadeOutcomes::Read(question, i == 1 ? "Lyon" : small_says));
        large_.push_back(MadeOutcomes::ByItself(question, large_says));
      }
    }
  }

  MadeOutcomes made_;
  std::vector<GroundingOutcome> small_, large_;
  Finding finding_ = StateRetrieval();
};

TEST_F(RetrievalClaimTest, IsHeldWhereTheSmallOneScoresMoreInEveryArticle) {
  Make("Paris", "Lyon");
  JudgeRetrieval(small_, large_, finding_);
  EXPECT_EQ(finding_.verdict, Verdict::kHeld);
  // One of two answerable questions is right, none of the large one's.
  EXPECT_NEAR(finding_.figure->value, 50, 1e-9);
  ASSERT_EQ(finding_.tables.size(), 1U);
  const auto& rows = finding_.tables[0].rows;
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0][1], "16");  // answerable
  EXPECT_EQ(rows[1][1], "8");   // the passage holds the answer
  EXPECT_EQ(rows[1][2], "1.00 (1.00 to 1.00)");
  EXPECT_EQ(rows[2][1], "8");
  EXPECT_EQ(rows[2][2], "0 (0 to 0)");
  // It abstains from all that is wrong: of all 32, 8 are right and 16 rightly without an answer.
  EXPECT_EQ(rows[4][2], "0.75 (0.75 to 0.75)");
  EXPECT_EQ(finding_.plots.at(0).series.size(), 2U);
}

TEST_F(RetrievalClaimTest, IsRefutedWhereTheLargeOneKnowsMore) {
  Make("Lyon", "Paris");
  JudgeRetrieval(small_, large_, finding_);
  EXPECT_EQ(finding_.verdict, Verdict::kRefuted);
  EXPECT_NEAR(finding_.figure->value, -100, 1e-9);
}

TEST_F(RetrievalClaimTest, IsUndecidedWhereBothKnowTheSame) {
  Make("Lyon", "Rome");
  JudgeRetrieval(small_, large_, finding_);
  EXPECT_EQ(finding_.verdict, Verdict::kUndecided);
}

}  // namespace
}  // namespace kinglet
