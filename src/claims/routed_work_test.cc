// SPDX-License-Identifier: Apache-2.0
#include "claims/routed_work.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// 10 articles with a question and a form each, and 10 messages off the topic.
std::vector<HandledMessage> Handle(bool questions, bool forms, bool others, double ms) {
  std::vector<HandledMessage> handled;
  for (int i = 0; i < 10; ++i) {
    const std::string group = std::to_string(i);
    handled.push_back({MessageKind::kQuestion, group, questions, ms});
    handled.push_back({MessageKind::kForm, group, forms, ms});
    handled.push_back({MessageKind::kOffTopic, "", others, ms});
  }
  return handled;
}

TEST(RoutedWork, IsHeldWhereItIsRightMoreOftenForLess) {
  Finding finding = StateRoutedWork();
  JudgeRoutedWork(Handle(true, true, true, 500), Handle(true, true, false, 1000), finding);
  EXPECT_EQ(finding.verdict, Verdict::kHeld);
  EXPECT_NEAR(finding.figure->value, 100.0 / 3, 1e-9);
  const auto& rows = finding.tables.at(0).rows;
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0][1], "30");
  EXPECT_EQ(rows[0][4], "0.50");
  EXPECT_EQ(rows[0][5], "1.00");
  EXPECT_EQ(rows[3][2], "1.00 (1.00 to 1.00)");
  EXPECT_EQ(rows[3][3], "0 (0 to 0)");
  EXPECT_NE(finding.why.find("over the one model's: 0.50 (0.50 to 0.50)"), std::string::npos)
      << finding.why;
}

TEST(RoutedWork, IsRefutedWhereItCostsMoreOrIsWrongMoreOften) {
  for (const double ms : {500, 2000}) {
    Finding finding = StateRoutedWork();
    JudgeRoutedWork(Handle(true, true, ms > 1000, ms), Handle(true, true, ms < 1000, 1000),
                    finding);
    EXPECT_EQ(finding.verdict, Verdict::kRefuted) << ms;
  }
}

TEST(RoutedWork, IsUndecidedWhereBothAreRightAlike) {
  Finding finding = StateRoutedWork();
  JudgeRoutedWork(Handle(true, false, true, 500), Handle(true, false, true, 1000), finding);
  EXPECT_EQ(finding.verdict, Verdict::kUndecided);
}

}  // namespace
}  // namespace kinglet
