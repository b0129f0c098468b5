// SPDX-License-Identifier: Apache-2.0
// Regressions find what was put in, and calibrations are read back as they were written.
#include "answer/confidence.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using ::testing::HasSubstr;

TEST(ConfidenceTest, FindsTheOddsThatMadeTheTruth) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<ConfidenceFeatures> features(20'000);
  std::vector<bool> is_true;
  for (ConfidenceFeatures& one : features) {
    for (double& value : one) value = 5 + 3 * normal(random);
    const double odds = 1.5 * (one[0] - 5) / 3 - 0.5 * (one[3] - 5) / 3 + 0.25;
    is_true.push_back(uniform(random) < 1 / (1 + std::exp(-odds)));
  }
  const LogisticModel model = FitLogistic(features, is_true);
  EXPECT_NEAR(model.weights[0], 1.5, 0.06);
  EXPECT_NEAR(model.weights[1], 0, 0.06);
  EXPECT_NEAR(model.weights[3], -0.5, 0.06);
  EXPECT_NEAR(model.bias, 0.25, 0.06);
  EXPECT_NEAR(model.Probability({5, 5, 5, 5}), 1 / (1 + std::exp(-0.25)), 0.02);
}

TEST(ConfidenceTest, StaysFiniteWhereTheTruthIsSeparable) {
  const std::vector<ConfidenceFeatures> features = {{0, 1, 1, 1}, {1, 1, 1, 1}};
  const LogisticModel model = FitLogistic(features, {false, true});
  EXPECT_LT(model.Probability(features[0]), 0.5);
  EXPECT_GT(model.Probability(features[1]), 0.5);
  EXPECT_LT(model.Probability(features[1]), 1);
  const LogisticModel all = FitLogistic(features, {true, true});
  EXPECT_GT(all.Probability(features[0]), 0.9);
  EXPECT_TRUE(std::isfinite(all.bias));
}

Calibration Example() {
  const std::vector<ConfidenceFeatures> features = {
      {0, -1, 3, 0.5}, {1, -2, 4, 0.25}, {2, -7, 5, 1}};
  return {.model = "m",
          .data = "abc",
          .questions = 3,
          .probe = {.weights = {0.5F, -2}, .bias = 0.25},
          .answerable = FitLogistic(features, {true, false, true}),
          .quoted = FitLogistic(features, {false, false, true})};
}

TEST(ConfidenceTest, IsReadBackAsItWasWritten) {
  const Calibration calibration = Example();
  const std::string text = ToJson(json::value(ToJson(calibration)));
  const auto again = ParseCalibration(ParseJson(text).value());
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->model, "m");
  EXPECT_EQ(again->questions, 3);
  EXPECT_EQ(again->probe.weights, calibration.probe.weights);
  EXPECT_EQ(again->probe.bias, calibration.probe.bias);
  const ConfidenceFeatures features = {0.5, -3, 2, 0.75};
  EXPECT_EQ(again->answerable.Probability(features), calibration.answerable.Probability(features));
  EXPECT_EQ(again->quoted.Probability(features), calibration.quoted.Probability(features));
}

TEST(ConfidenceTest, NamesWhatACalibrationLacks) {
  json::object object = ToJson(Example());
  object.erase("model");
  EXPECT_THAT(ParseCalibration(object).error().message(), HasSubstr("\"model\""));
  object = ToJson(Example());
  object.erase("probe");
  EXPECT_THAT(ParseCalibration(object).error().message(), HasSubstr("probe"));
  object = ToJson(Example());
  object["quoted"].as_object()["features"].as_object().erase("gate");
  EXPECT_THAT(ParseCalibration(object).error().message(), HasSubstr("\"gate\""));
  object = ToJson(Example());
  object["quoted"].as_object()["features"].as_object()["gate"].as_object()["scale"] = 0;
  EXPECT_THAT(ParseCalibration(object).error().message(), HasSubstr("above 0"));
  object = ToJson(Example());
  object["questions"] = 3e17;
  EXPECT_THAT(ParseCalibration(object).error().message(), HasSubstr("questions"));
  EXPECT_FALSE(ParseCalibration(json::value("text")));
}

}  // namespace
}  // namespace kinglet
