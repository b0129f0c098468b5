// SPDX-License-Identifier: Apache-2.0
// Systems whose costs are plain to see.
#include "claims/cost_ranking.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// Of 20 questions the first `useful` have a useful reply.
CostedReplies System(const char* name, std::size_t useful, double ms, double gflops) {
  CostedReplies system{.name = name};
  for (std::size_t i = 0; i < 20; ++i) {
    system.useful.push_back(i < useful ? 1 : 0);
    system.answered.push_back(i < useful ? 1 : 0);
    system.machine_ms.push_back(ms);
    system.joules.push_back(ms / 100);
    system.flops.push_back(gflops * 1e9);
  }
  return system;
}

// One group each two questions, one of either half.
Clusters TenGroups() {
  std::vector<std::string> groups;
  for (int i = 0; i < 20; ++i) groups.push_back(std::to_string(i % 10));
  return Clusters(groups);
}

TEST(CostRanking, CountsPairsThatStandTheOtherWayRound) {
  const std::vector<double> up = {1, 2, 3, 4};
  const std::vector<double> down = {4, 3, 2, 1};
  EXPECT_EQ(CountSwaps(up, up), 0U);
  EXPECT_EQ(CountSwaps(up, down), 6U);
  EXPECT_EQ(CountSwaps(up, std::vector<double>{1, 3, 2, 4}), 1U);
  EXPECT_EQ(CountSwaps(up, std::vector<double>{1, 1, 1, 1}), 0U);
}

TEST(CostRanking, IsHeldWhereFewFlopsAreDearByTheUsefulReply) {
  // A useful reply takes 10 s, 1 s, 2 s, 4 s; FLOPs rank them as they stand.
  const std::vector<CostedReplies> systems = {System("a", 10, 5000, 1), System("b", 20, 1000, 2),
                                              System("c", 20, 2000, 3), System("d", 20, 4000, 4)};
  Finding finding = StateRanking();
  JudgeRanking(systems, TenGroups(), {.machine_per_hour = 3.6}, finding);
  EXPECT_EQ(finding.verdict, Verdict::kHeld);
  EXPECT_EQ(finding.figure->value, 3);  // a with each other
  const auto& rows = finding.tables.at(0).rows;
  EXPECT_EQ(rows[0][1], "0.50 (0.50 to 0.50)");
  EXPECT_EQ(rows[0][2], "5.00");
  EXPECT_EQ(rows[0][3], "10.0 (10.0 to 10.0)");
  EXPECT_EQ(rows[0][4], "100");
  EXPECT_EQ(rows[0][5], "0.01 EUR");  // of 10 s, at 1/1000 a second
  EXPECT_EQ(rows[0][6], "1");
  EXPECT_EQ(rows[0][7], "4");
  EXPECT_EQ(rows[0][8], "1");
  EXPECT_EQ(rows[3][7], "3");
  // b and c: never the other way round; a and b: always.
  const auto& pairs = finding.tables.at(1).rows;
  ASSERT_EQ(pairs.size(), 6U);
  EXPECT_EQ(pairs[0], (std::vector<std::string>{"a", "b", "1.000"}));
  EXPECT_EQ(pairs[3], (std::vector<std::string>{"b", "c", "0.000"}));
}

TEST(CostRanking, IsRefutedWhereBothRankAlike) {
  const std::vector<CostedReplies> systems = {System("a", 20, 1000, 1), System("b", 20, 2000, 2)};
  Finding finding = StateRanking();
  JudgeRanking(systems, TenGroups(), {}, finding);
  EXPECT_EQ(finding.verdict, Verdict::kRefuted);
  EXPECT_EQ(finding.figure->value, 0);
  EXPECT_EQ(finding.tables.at(0).rows[0][5], "no price set");
}

TEST(CostRanking, DrawsNoPointOfASystemThatIsNeverUseful) {
  const std::vector<CostedReplies> systems = {System("a", 0, 1000, 1), System("b", 20, 2000, 2)};
  Finding finding = StateRanking();
  JudgeRanking(systems, TenGroups(), {}, finding);
  EXPECT_EQ(finding.plots.at(0).series.size(), 1U);
  EXPECT_EQ(finding.figure->value, 1);
  EXPECT_EQ(finding.tables.at(0).rows[0][3], "none useful");
  for (const auto& row : finding.tables.at(0).rows) {
    for (const std::string& cell : row) EXPECT_EQ(cell.find("nan"), std::string::npos) << cell;
  }
  ASSERT_EQ(finding.caveats.size(), 1U);
  EXPECT_NE(finding.caveats[0].find("leaves out a:"), std::string::npos) << finding.caveats[0];
}

TEST(CostRanking, SaysWhereAnIntervalHasNoEnd) {
  const std::vector<CostedReplies> systems = {System("a", 1, 1000, 1), System("b", 20, 2000, 2)};
  Finding finding = StateRanking();
  JudgeRanking(systems, TenGroups(), {}, finding);
  const std::string& seconds = finding.tables.at(0).rows[0][3];
  EXPECT_TRUE(seconds.starts_with("20.0 (")) << seconds;
  EXPECT_TRUE(seconds.ends_with(" or more)")) << seconds;
}

}  // namespace
}  // namespace kinglet
