// SPDX-License-Identifier: Apache-2.0
// Who is better, by hand; what is not comparable; when a bound is broken.
#include "eval/outcome_compare.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/cluster_bootstrap.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kRun = R"({"task":"t","model":"m","data":"d","limit":0})"
                         "\n";

// A question for each score; `size` of them a group.
std::string Outcomes(const std::vector<int>& scores, int size = 1, const std::string& run = kRun) {
  std::string text = run;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    text += fmt::format("{{\"id\":\"{}\",\"group\":\"{}\",\"scores\":{{\"em\":{}}}}}\n", i,
                        static_cast<int>(i) / size, scores[i]);
  }
  return text;
}

OutcomeTable Parsed(const std::string& text) {
  auto table = ParseOutcomes(text);
  EXPECT_TRUE(table) << table.error().message();
  return table ? *std::move(table) : OutcomeTable();
}

std::string FaultOf(const std::string& old_text, const std::string& new_text) {
  const auto changes = CompareOutcomes(Parsed(old_text), Parsed(new_text));
  return changes ? "none" : changes.error().message();
}

TEST(OutcomeCompareTest, CountsQuestionsInPairs) {
  const auto changes = CompareOutcomes(Parsed(Outcomes({0, 0, 1, 1, 1, 0, 1, 1})),
                                       Parsed(Outcomes({1, 0, 1, 0, 0, 0, 0, 1})));
  ASSERT_TRUE(changes) << changes.error().message();
  ASSERT_EQ(changes->size(), 1U);
  const MetricChange& change = changes->front();
  EXPECT_EQ(change.metric, "em");
  EXPECT_EQ(change.better, 1U);
  EXPECT_EQ(change.worse, 3U);
  EXPECT_EQ(change.same, 4U);
  EXPECT_EQ(change.old_mean, 5.0 / 8);
  EXPECT_EQ(change.new_mean, 3.0 / 8);
  EXPECT_NEAR(change.points.mean, -25, 1e-9);
  EXPECT_LT(change.points.low, -25);
  EXPECT_GT(change.points.high, 0);
  EXPECT_NEAR(change.p, 2 * (1 + 4) / 16.0, 1e-12);
}

TEST(OutcomeCompareTest, OneGroupTellsNothingOfOthers) {
  const auto changes = CompareOutcomes(Parsed(Outcomes(std::vector<int>(50, 1), 50)),
                                       Parsed(Outcomes(std::vector<int>(50, 0), 50)));
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_EQ(changes->front().worse, 50U);
  EXPECT_TRUE(std::isinf(changes->front().points.high));
  EXPECT_EQ(changes->front().p, 1) << "of one group that is worse";
  EXPECT_FALSE(Breaks(changes->front(), ParseChangeBound("em<0").value()));
}

TEST(OutcomeCompareTest, SignTestIsThatOfTheBinomial) {
  EXPECT_EQ(SignTest(0, 0), 1);
  EXPECT_EQ(SignTest(5, 5), 1);
  EXPECT_NEAR(SignTest(0, 10), 2 * std::pow(0.5, 10), 1e-12);
  EXPECT_EQ(SignTest(2, 9), SignTest(9, 2));
}

TEST(OutcomeCompareTest, AGroupIsDrawnWhole) {
  std::vector<int> before(120, 1);
  std::vector<int> after(120, 1);
  for (std::size_t i = 0; i < 30; ++i) after[i] = 0;
  const auto alone = CompareOutcomes(Parsed(Outcomes(before)), Parsed(Outcomes(after)));
  const auto grouped = CompareOutcomes(Parsed(Outcomes(before, 30)), Parsed(Outcomes(after, 30)));
  ASSERT_TRUE(alone && grouped);
  EXPECT_EQ(alone->front().points.mean, grouped->front().points.mean);
  EXPECT_EQ(Parsed(Outcomes(before, 30)).group_count(), 4U);
  // One of four groups: a sample without it has no change at all.
  EXPECT_LT(alone->front().points.high, 0);
  EXPECT_EQ(grouped->front().points.high, 0);
  EXPECT_LT(grouped->front().points.low, alone->front().points.low);
}

TEST(OutcomeCompareTest, ClustersWeighByTheirSize) {
  const std::vector<std::string> groups = {"a", "", "a", "b", "", "a"};
  const Clusters clusters(groups);
  EXPECT_EQ(clusters.size(), 4U);
  const std::vector<double> values = {1, 0, 1, 0, 0, 1};
  const Estimate mean = clusters.EstimateMean(values);
  EXPECT_EQ(mean.mean, 0.5);
  // The same samples, whatever the figure; groups come whole.
  const Estimate same = clusters.EstimateFigure([&](std::span<const std::size_t> some) {
    double sum = 0;
    for (const std::size_t i : some) sum += values[i];
    EXPECT_EQ(std::ranges::count(some, 0), std::ranges::count(some, 5));
    return sum / static_cast<double>(some.size());
  });
  EXPECT_EQ(same.mean, mean.mean);
  EXPECT_EQ(same.low, mean.low);
  EXPECT_EQ(same.high, mean.high);
}

TEST(OutcomeCompareTest, ReadsWhatGroundingWrites) {
  const std::string text =
      R"({"data":"d","passages":"given","model":"m","plain":true,"limit":0,"seed":1})"
      "\n"
      R"({"id":"1","group":"g","scores":{"kinglet":{"em":1,"f1":0.5},"plain":{"em":0,"f1":0}}})"
      "\n";
  const OutcomeTable table = Parsed(text);
  EXPECT_EQ(table.name(), "grounding");
  EXPECT_THAT(table.metrics, ElementsAre("kinglet.em", "kinglet.f1", "plain.em", "plain.f1"));
  std::string other = text;
  other.replace(other.find("\"plain\":true"), 12, "\"plain\":false");
  other.erase(other.find(",\"plain\":{"), 24);
  const auto changes = CompareOutcomes(table, Parsed(other));
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_EQ(changes->size(), 2U) << "what both have";
}

TEST(OutcomeCompareTest, SaysWhatSetsFilesApart) {
  const std::string one = Outcomes({1, 0});
  EXPECT_EQ(FaultOf(one, Outcomes({1, 0}, 1,
                                  R"({"task":"t","model":"n","data":"d","limit":0})"
                                  "\n")),
            "none")
      << "models may differ";
  EXPECT_THAT(FaultOf(one, Outcomes({1, 0}, 1,
                                    R"({"task":"t","model":"m","data":"e","limit":0})"
                                    "\n")),
              HasSubstr(R"(not comparable: "data" is "d" in the old file and "e" in the new one)"));
  EXPECT_THAT(FaultOf(one, Outcomes({1, 0}, 1,
                                    R"({"task":"t","model":"m","data":"d","limit":0,"seed":2})"
                                    "\n")),
              HasSubstr("\"seed\" is nothing in the old file and 2 in the new one"));
  EXPECT_THAT(FaultOf(one, Outcomes({1, 0, 1})), HasSubstr("questions or groups differ"));
  EXPECT_THAT(FaultOf(one, Outcomes({1, 0}, 2)), HasSubstr("questions or groups differ"));
}

TEST(OutcomeCompareTest, RefusesWhatIsNotWhole) {
  const auto fault = [](const std::string& text) {
    const auto table = ParseOutcomes(text);
    return table ? "none" : table.error().message();
  };
  EXPECT_THAT(fault(""), HasSubstr("there are no outcomes"));
  EXPECT_THAT(fault(kRun), HasSubstr("there are no outcomes"));
  EXPECT_THAT(fault("[]\n"), HasSubstr("line 1: \"data\" must be a string"));
  EXPECT_THAT(fault(kRun + R"({"id":"1","group":""})"), HasSubstr("line 2: there are no scores"));
  EXPECT_THAT(fault(kRun + R"({"id":"1","group":"","error":"x","scores":{"em":0}})"),
              HasSubstr("has no reply"));
  EXPECT_THAT(fault(Outcomes({1}) + R"({"id":"1","group":"","scores":{"f1":0}})"),
              HasSubstr("line 3: question \"1\" has other scores"));
  EXPECT_THAT(fault(kRun + R"({"id":"1","group":"","scores":{"em":{"a":{"b":1}}}})"),
              HasSubstr("must be a number"));
}

TEST(OutcomeCompareTest, ABoundIsBrokenWhenTheIntervalAgrees) {
  const auto bound = ParseChangeBound("em<-1");
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_EQ(bound->metric, "em");
  EXPECT_EQ(bound->points, -1);
  const auto breaks = [&](const char* metric, double mean, double high) {
    return Breaks({.metric = metric, .points = {.mean = mean, .high = high}}, *bound);
  };
  EXPECT_TRUE(breaks("em", -2, -0.1));
  EXPECT_FALSE(breaks("em", -2, 0)) << "it could be chance";
  EXPECT_FALSE(breaks("em", -0.9, -0.1)) << "it is within the bound";
  EXPECT_FALSE(breaks("f1", -2, -0.1));
  for (const char* const wrong : {"em", "em<", "<-1", "em<1", "em<-1x", "em<nan", "em>-1", ""}) {
    EXPECT_FALSE(ParseChangeBound(wrong)) << wrong;
  }
  EXPECT_TRUE(ParseChangeBound("em<0"));
}

}  // namespace
}  // namespace kinglet
