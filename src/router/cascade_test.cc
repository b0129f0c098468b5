// SPDX-License-Identifier: Apache-2.0
// Thresholds of rows made by hand.
#include "router/cascade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::Each;
using testing::ElementsAre;

// The large model is always right; the small one where it is sure.
std::vector<CascadeRow> Rows(const std::string& group = "") {
  std::vector<CascadeRow> rows;
  for (const double confidence : {0.2, 0.9, 0.4, 0.6, 0.8}) {
    rows.push_back({.group = group,
                    .confidence = confidence,
                    .small_right = confidence > 0.5 ? 1.0 : 0.0,
                    .large_right = 1,
                    .small_cost = 1,
                    .large_cost = 3});
  }
  return rows;
}

TEST(Cascade, TakesWhatLosesNothing) { EXPECT_EQ(FindAcceptance(Rows(), {.max_loss = 0}), 0.6); }

TEST(Cascade, TakesMoreWhereSomeMayBeLost) {
  EXPECT_EQ(FindAcceptance(Rows(), {.max_loss = 0.2}), 0.4);
  EXPECT_EQ(FindAcceptance(Rows(), {.max_loss = 0.39}), 0.4);
  EXPECT_EQ(FindAcceptance(Rows(), {.max_loss = 0.4}), kAcceptAll);
}

TEST(Cascade, TakesAsMuchAsTheCostAsksFor) {
  // With n accepted, the mean cost is 1 + 3 (5 - n) / 5.
  EXPECT_EQ(FindAcceptance(Rows(), {.max_cost = 4}), 0.6);  // the most right, the cheapest of these
  EXPECT_EQ(FindAcceptance(Rows(), {.max_cost = 2.2}), 0.6);
  EXPECT_EQ(FindAcceptance(Rows(), {.max_cost = 2.1}), 0.4);
  EXPECT_EQ(FindAcceptance(Rows(), {.max_cost = 0.5}), kAcceptAll);
}

TEST(Cascade, TakesNoneOfAModelThatIsAlwaysWrong) {
  std::vector<CascadeRow> rows = Rows();
  for (CascadeRow& row : rows) row.small_right = 0;
  EXPECT_EQ(FindAcceptance(rows, {.max_loss = 0.1}), kAcceptNone);
}

TEST(Cascade, CountsWhatTheLargeOneGetsWrong) {
  std::vector<CascadeRow> rows = Rows();
  rows[0].large_right = 0;  // of 0.2: nothing is lost there
  rows[2].large_right = 0;  // of 0.4
  EXPECT_EQ(FindAcceptance(rows, {.max_loss = 0}), kAcceptAll);
}

TEST(Cascade, TakesEqualConfidencesTogether) {
  std::vector<CascadeRow> rows = Rows();
  rows[2].confidence = 0.6;  // which is wrong, beside one that is right
  EXPECT_EQ(FindAcceptance(rows, {.max_loss = 0.1}), 0.8);
}

TEST(Cascade, HasNoThresholdOfNothing) {
  EXPECT_EQ(FindAcceptance({}, {.max_loss = 1}), kAcceptNone);
  EXPECT_EQ(FindAcceptance({}, {.max_cost = 1}), kAcceptAll);
}

TEST(Cascade, SaysWhatAThresholdComesTo) {
  const CascadeOutlook outlook = OutlookOf(Rows(), 0.5);
  EXPECT_DOUBLE_EQ(outlook.accepted, 0.6);
  EXPECT_DOUBLE_EQ(outlook.right, 1);
  EXPECT_DOUBLE_EQ(outlook.loss, 0);
  EXPECT_DOUBLE_EQ(outlook.cost, 2.2);
  EXPECT_DOUBLE_EQ(OutlookOf(Rows(), kAcceptNone).cost, 4);
  EXPECT_DOUBLE_EQ(OutlookOf(Rows(), kAcceptAll).loss, 0.4);
}

TEST(Cascade, LearnsNothingFromTheGroupThatIsJudged) {
  std::vector<CascadeRow> rows = Rows("a");
  for (CascadeRow row : Rows("b")) {
    row.small_right = 0;
    rows.push_back(row);
  }
  const std::vector<double> accept = CrossFitAcceptance(rows, {.max_loss = 0});
  EXPECT_THAT(std::vector(accept.begin(), accept.begin() + 5), Each(kAcceptNone));
  EXPECT_THAT(std::vector(accept.begin() + 5, accept.end()), ElementsAre(0.6, 0.6, 0.6, 0.6, 0.6));
}

TEST(Cascade, SplitsRowsOfOneGroupOrNone) {
  for (const char* const group : {"a", ""}) {
    std::vector<CascadeRow> rows;
    for (int i = 0; i < 10; ++i) {
      rows.push_back({.group = group, .confidence = 0.5, .small_right = 1, .large_right = 1});
      rows.back().small_cost = rows.back().large_cost = 1;
    }
    EXPECT_THAT(CrossFitAcceptance(rows, {.max_loss = 0}), Each(kAcceptAll)) << group;
  }
}

}  // namespace
}  // namespace kinglet
