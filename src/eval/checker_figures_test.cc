// SPDX-License-Identifier: Apache-2.0
// Figures of scores that are given, and scores of rows made by hand.
#include "eval/checker_figures.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "eval/claim_model_for_test.h"

namespace kinglet {
namespace {

double Figure(const json::object& figures, const char* set, const char* system, const char* name) {
  return figures.at("sets")
      .as_object()
      .at(set)
      .as_object()
      .at("systems")
      .as_object()
      .at(system)
      .as_object()
      .at(name)
      .to_number<double>();
}

std::vector<ClaimRow> HensAndGeese() {
  return {{.set = "halueval",
           .passage = "The hens lay eggs.",
           .question = "What do the hens lay?",
           .claims = {{"The hens lay eggs.", true}, {"The hens lay stones.", false}}},
          {.set = "begin", .passage = "Geese hiss at foxes.", .claims = {{"Geese hiss.", true}}},
          {.set = "begin", .passage = "Geese hiss at foxes.", .claims = {{"Ducks swim.", false}}}};
}

TEST(CheckerFiguresTest, ScoresByWordsAndAsksAModel) {
  const std::vector<ClaimRow> rows = HensAndGeese();
  std::vector<ScoredRow> scored = ScoreByWords(rows);
  ASSERT_EQ(scored.size(), 3U);
  ASSERT_EQ(scored[0].claims.size(), 2U);
  EXPECT_EQ(scored[0].claims[0].containment, 1);
  EXPECT_EQ(scored[0].claims[1].containment, 0.75);
  EXPECT_GT(scored[0].claims[0].support, scored[0].claims[1].support);
  EXPECT_GT(scored[0].claims[0].brevity, scored[0].claims[1].brevity);
  EXPECT_TRUE(scored[0].claims[0].is_kept);
  EXPECT_FALSE(scored[0].claims[1].is_kept);

  ClaimModel model;
  model.says_yes_to = "Claim: Geese";
  std::size_t done = 0;
  const auto progress = [&](std::size_t rows_done) {
    done = rows_done;
    return true;
  };
  ASSERT_TRUE(AskOdds(model, scored, progress));
  EXPECT_EQ(done, 3U);
  EXPECT_LT(scored[0].claims[0].odds, 0);
  EXPECT_GT(scored[1].claims[0].odds, 0);
  EXPECT_LT(scored[2].claims[0].odds, 0);
  EXPECT_EQ(AskOdds(model, scored, [](std::size_t) { return false; }).error().code(),
            StatusCode::kCancelled);
}

TEST(CheckerFiguresTest, ComesToSharesOfPairsAndOfWhatIsKept) {
  const std::vector<ClaimRow> rows(
      4, {.set = "halueval", .claims = {{"right", true}, {"wrong", false}}});
  std::vector<ScoredRow> scored;
  for (const ClaimRow& row : rows) scored.push_back({.row = &row, .claims = {{}, {}}});
  const double right[] = {0.9, 0.8, 0.7, 0.2};
  const double wrong[] = {0.1, 0.75, 0.7, 0.4};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    scored[i].claims[0] = {.support = right[i], .is_kept = i < 2};
    scored[i].claims[1] = {.support = wrong[i], .odds = 1, .is_kept = i == 3};
  }
  const json::object figures = CheckerFigures(scored, true);
  EXPECT_EQ(Figure(figures, "halueval", "support", "paired"), 0.625);  // two, and a tie
  // 0.9 is above 4, 0.8 above 4, 0.7 above 2 and beside 1, 0.2 above 1: of 16.
  EXPECT_EQ(Figure(figures, "halueval", "support", "auroc"), 11.5 / 16);
  EXPECT_EQ(Figure(figures, "halueval", "rule", "right_kept"), 0.5);
  EXPECT_EQ(Figure(figures, "halueval", "rule", "wrong_kept"), 0.25);
  // Two right ones are kept by 0.8, which keeps none of the others; a constant keeps all.
  EXPECT_EQ(Figure(figures, "halueval", "support", "wrong_kept_as_rule"), 0);
  EXPECT_EQ(Figure(figures, "halueval", "containment", "wrong_kept_as_rule"), 1);
  EXPECT_EQ(Figure(figures, "halueval", "odds", "auroc"), 0);
  EXPECT_LT(Figure(figures, "halueval", "both", "auroc"),
            Figure(figures, "halueval", "support", "auroc"));
  EXPECT_FALSE(CheckerFigures(scored, false)
                   .at("sets")
                   .at("halueval")
                   .at("systems")
                   .as_object()
                   .contains("odds"));
}

TEST(CheckerFiguresTest, DrawsWhatIsSaidOfAPassageTogether) {
  const std::vector<ClaimRow> rows = HensAndGeese();
  const json::object figures = CheckerFigures(ScoreByWords(rows), false);
  const json::object& begin = figures.at("sets").at("begin").as_object();
  EXPECT_EQ(begin.at("rows").to_number<int>(), 2);
  EXPECT_EQ(begin.at("passages").to_number<int>(), 1);
  const json::value& ends = begin.at("systems").at("rule").at("ci95").at("right_kept");
  EXPECT_TRUE(std::isinf(ends.at(1).to_number<double>())) << "of one passage";
}

TEST(CheckerFiguresTest, KeepsSetsApart) {
  const std::vector<ClaimRow> rows = HensAndGeese();
  const json::object figures = CheckerFigures(ScoreByWords(rows), false);
  EXPECT_EQ(figures.at("rows").to_number<int>(), 3);
  const json::object& begin = figures.at("sets").at("begin").as_object();
  EXPECT_EQ(begin.at("claims").to_number<int>(), 2);
  EXPECT_EQ(begin.at("supported").to_number<int>(), 1);
  EXPECT_FALSE(begin.at("systems").at("support").as_object().contains("paired"));
  EXPECT_EQ(Figure(figures, "begin", "support", "auroc"), 1);
  EXPECT_EQ(Figure(figures, "halueval", "support", "paired"), 1);
}

}  // namespace
}  // namespace kinglet
