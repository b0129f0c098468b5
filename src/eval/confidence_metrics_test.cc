// SPDX-License-Identifier: Apache-2.0
// Small cases by hand, larger ones against the definitions.
#include "eval/confidence_metrics.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(ConfidenceMetricsTest, AurocCountsPairs) {
  EXPECT_EQ(Auroc(std::vector<double>{1, 2, 3, 4}, {false, false, true, true}), 1);
  EXPECT_EQ(Auroc(std::vector<double>{4, 3, 2, 1}, {false, false, true, true}), 0);
  EXPECT_EQ(Auroc(std::vector<double>{1, 1}, {false, true}), 0.5);
  EXPECT_TRUE(std::isnan(Auroc(std::vector<double>{1, 2}, {true, true}))) << "no pair";
  std::mt19937 random(1);
  std::vector<double> scores(50);
  std::vector<bool> is_true(50);
  for (std::size_t i = 0; i < 50; ++i) {
    scores[i] = static_cast<double>(random() % 9);
    is_true[i] = random() % 3 == 0;
  }
  double won = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    for (std::size_t j = 0; j < 50; ++j) {
      if (!is_true[i] || is_true[j]) continue;
      pairs += 1;
      won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
    }
  }
  EXPECT_NEAR(Auroc(scores, is_true), won / pairs, 1e-12);
}

TEST(ConfidenceMetricsTest, AurcAveragesTheRiskOfTheMoreConfident) {
  const std::vector<double> confidences = {0.9, 0.1, 0.5};
  const std::vector<double> risks = {0, 1, 0};
  EXPECT_NEAR(Aurc(confidences, risks), (0.0 + 0.0 + 1.0 / 3) / 3, 1e-12);
  EXPECT_NEAR(Aurc(std::vector<double>{1, 1}, std::vector<double>{0, 1}), (0.5 + 0.5) / 2, 1e-12)
      << "the mean of both orders";
  EXPECT_EQ(Aurc({}, {}), 0);
}

TEST(ConfidenceMetricsTest, CalibrationErrorComparesBins) {
  // Two bins: 0.25 of which none is true, 0.75 of which all are.
  const std::vector<double> probabilities = {0.25, 0.25, 0.75, 0.75};
  EXPECT_NEAR(CalibrationError(probabilities, {false, false, true, true}), 0.25, 1e-12);
  EXPECT_NEAR(CalibrationError(std::vector<double>{0.5, 0.5}, {true, false}), 0, 1e-12);
  EXPECT_NEAR(CalibrationError(std::vector<double>{1, 1}, {true, true}), 0, 1e-12);
}

}  // namespace
}  // namespace kinglet
