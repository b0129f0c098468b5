// SPDX-License-Identifier: Apache-2.0
// Models made by hand: one that knows what it does not know, one that answers all, one of noise.
#include "claims/false_answers.h"

#include <gtest/gtest.h>

#include "claims/outcomes_for_test.h"

namespace kinglet {
namespace {

class FalseAnswersTest : public testing::Test {
 protected:
  FalseAnswersTest() {
    for (int article = 0; article < 8; ++article) {
      for (int i = 0; i < 4; ++i) {
        questions_.push_back(&made_.Ask(std::string(1, static_cast<char>('a' + article)), i < 2));
      }
    }
    finding_.why = "Speed.";
    finding_.verdict = Verdict::kHeld;
  }

  // span: what it reads for an answer everywhere. says: what it plainly says to the unanswerable
  // questions; to the others it says the span.
  AnsweringModel Model(std::string name, const std::string& span, const std::string& says) const {
    AnsweringModel model{.name = std::move(name)};
    for (const PassageQuestion* const question : questions_) {
      model.plain.push_back(
          MadeOutcomes::Plain(*question, question->answers.empty() ? says : span));
      model.read.push_back(MadeOutcomes::Read(*question, span));
      for (auto* const outcomes : {&model.plain, &model.read}) {
        outcomes->back().cost.machine_ms = 1000;
      }
    }
    return model;
  }

  MadeOutcomes made_;
  std::vector<const PassageQuestion*> questions_;
  Finding finding_;
};

TEST_F(FalseAnswersTest, AreComparedInBothWaysOfAsking) {
  CompareFalseAnswers(Model("wild", "Paris", "Lyon"), Model("wise", "Paris", "unanswerable"), {},
                      finding_);
  ASSERT_EQ(finding_.tables.size(), 2U);
  using Row = std::vector<std::string>;
  const auto& rows = finding_.tables[0].rows;
  ASSERT_EQ(rows.size(), 4U);
  const std::string all = "1.00 (1.00 to 1.00)";
  const std::string half = "0.50 (0.50 to 0.50)";
  const std::string none = "0 (0 to 0)";
  EXPECT_EQ(rows[0], (Row{"wild, plainly asked", all, all, half, "not foretold",
                          "2.00 (2.00 to 2.00)", "no price set"}));
  EXPECT_EQ(rows[1], (Row{"wild, as Kinglet reads", none, all, all, all, all, "no price set"}));
  EXPECT_EQ(rows[2],
            (Row{"wise, plainly asked", none, all, all, "not foretold", all, "no price set"}));
  EXPECT_EQ(rows[3].front(), "wise, as Kinglet reads");
  const auto& more = finding_.tables[1].rows;
  ASSERT_EQ(more.size(), 2U);
  EXPECT_EQ(more[0], (Row{"plainly asked", "100 points (100 to 100)",
                          "-50.0 points (-50.0 to "
                          "-50.0)"}));
  EXPECT_EQ(more[1], (Row{"as Kinglet reads", "0 points (0 to 0)", "0 points (0 to 0)"}));
  EXPECT_TRUE(finding_.why.starts_with("Speed. False answers")) << finding_.why;
  EXPECT_NE(finding_.why.find("100 points (100 to 100) plainly asked"), std::string::npos)
      << finding_.why;
  EXPECT_EQ(finding_.caveats.size(), 1U);
  EXPECT_EQ(finding_.verdict, Verdict::kHeld);  // of the speed
}

TEST_F(FalseAnswersTest, OfModelsThatKnowNothingAreNotShown) {
  AnsweringModel lucky = Model("noise", "Lyon", "Lyon");
  lucky.plain.front() = MadeOutcomes::Plain(*questions_.front(), "Paris");
  CompareFalseAnswers(lucky, Model("more noise", "Rome", "unanswerable"), {}, finding_);
  EXPECT_TRUE(finding_.tables.empty());
  EXPECT_EQ(finding_.why, "Speed.");
  ASSERT_EQ(finding_.caveats.size(), 1U);
  EXPECT_TRUE(finding_.caveats[0].starts_with("Answers are not compared: of 32 questions"))
      << finding_.caveats[0];
}

TEST_F(FalseAnswersTest, AreShownBesideAModelThatKnowsNothing) {
  CompareFalseAnswers(Model("noise", "Lyon", "Lyon"), Model("wise", "Paris", "unanswerable"), {},
                      finding_);
  EXPECT_EQ(finding_.tables.size(), 2U);
  ASSERT_EQ(finding_.caveats.size(), 2U);
  EXPECT_TRUE(finding_.caveats[1].starts_with("noise answers no more rightly"))
      << finding_.caveats[1];
}

}  // namespace
}  // namespace kinglet
