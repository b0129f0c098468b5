// SPDX-License-Identifier: Apache-2.0
// Against values worked out by hand, and against trec_eval's.
#include "eval/retrieval_metrics.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json_lines.h"

namespace kinglet {
namespace {

TEST(RetrievalMetrics, NdcgDividesByTheBestOrder) {
  const double third = 1 / std::log2(3.0);
  EXPECT_DOUBLE_EQ(Ndcg(std::vector{1.0, 0.0, 0.0}, {1}, 10), 1);
  EXPECT_DOUBLE_EQ(Ndcg(std::vector{0.0, 1.0}, {1}, 10), third);
  EXPECT_DOUBLE_EQ(Ndcg(std::vector{1.0, 2.0}, {1, 2}, 10), (1 + 2 * third) / (2 + third));
  EXPECT_DOUBLE_EQ(Ndcg(std::vector{0.0, 1.0}, {1}, 1), 0);
  EXPECT_DOUBLE_EQ(Ndcg(std::vector{1.0}, {1, 1}, 1), 1);  // no more fits
  EXPECT_DOUBLE_EQ(Ndcg(std::vector{0.0}, {}, 10), 0);
  EXPECT_DOUBLE_EQ(Ndcg({}, {1}, 10), 0);
}

TEST(RetrievalMetrics, RecallCountsWhatIsFound) {
  EXPECT_DOUBLE_EQ(Recall(std::vector{1.0, 0.0, 2.0}, 4, 10), 0.5);
  EXPECT_DOUBLE_EQ(Recall(std::vector{1.0, 0.0, 2.0}, 4, 2), 0.25);
  EXPECT_DOUBLE_EQ(Recall(std::vector{0.0}, 0, 2), 0);
}

TEST(RetrievalMetrics, ReciprocalRankIsOfTheFirst) {
  EXPECT_DOUBLE_EQ(ReciprocalRank(std::vector{0.0, 1.0, 1.0}, 10), 0.5);
  EXPECT_DOUBLE_EQ(ReciprocalRank(std::vector{0.0, 1.0}, 1), 0);
  EXPECT_DOUBLE_EQ(ReciprocalRank({}, 1), 0);
}

TEST(RetrievalMetrics, OneQuestionSaysNothingOfOthers) {
  const Estimate one = EstimateMean(std::vector{0.5}, 1);
  EXPECT_EQ(one.mean, 0.5);
  EXPECT_TRUE(std::isinf(one.low) && std::isinf(one.high));
  const Estimate two = EstimateMean(std::vector{0.5, 1.0}, 1);
  EXPECT_EQ(two.low, 0.5);
  EXPECT_EQ(two.high, 1);
}

TEST(RetrievalMetrics, AreThoseOfTrecEval) {
  const auto text = ReadFile(KINGLET_TEST_DATA "/retrieval_metrics.jsonl", std::size_t{1} << 20);
  ASSERT_TRUE(text) << text.error().message();
  std::size_t rankings = 0;
  const auto read = ForEachJsonLine(*text, {}, [&](const json::value& line) -> Result<void> {
    const auto numbers = [&](const char* name) {
      std::vector<double> values;
      for (const json::value& one : line.at(name).as_array()) {
        values.push_back(one.to_number<double>());
      }
      return values;
    };
    const auto expected = [&](const char* name) { return line.at(name).to_number<double>(); };
    const std::vector<double> gains = numbers("gains");
    const std::vector<double> relevant = numbers("relevant");
    EXPECT_NEAR(Ndcg(gains, relevant, 10), expected("ndcg_10"), 1e-12);
    EXPECT_NEAR(Recall(gains, relevant.size(), 10), expected("recall_10"), 1e-12);
    EXPECT_NEAR(ReciprocalRank(gains, 10), expected("mrr_10"), 1e-12);
    ++rankings;
    return {};
  });
  EXPECT_TRUE(read) << read.error().message();
  EXPECT_EQ(rankings, 1000U);
}

TEST(RetrievalMetrics, SamplesThatTellNothingAreLeftOut) {
  // Of two questions the first alone counts, and is right: no sample knows of a wrong one.
  const auto of_first = [](std::span<const std::size_t> some) {
    return std::ranges::count(some, std::size_t{0}) > 0 ? 1.0 : kNoFigure;
  };
  const Estimate estimate = EstimateFigure(2, 1, of_first);
  EXPECT_EQ(estimate.mean, 1);
  EXPECT_EQ(estimate.low, 1);
  EXPECT_EQ(estimate.high, 1);
  const Estimate none = EstimateFigure(2, 1, [](auto) { return kNoFigure; });
  EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.low) && std::isnan(none.high));
}

TEST(RetrievalMetrics, WhatNoiseRaisesIsReflected) {
  const Estimate estimate = Reflected({.mean = 0.04, .low = 0.045, .high = 0.09});
  EXPECT_EQ(estimate.mean, 0.04);
  EXPECT_EQ(estimate.low, 0) << "not below nothing";
  EXPECT_EQ(estimate.high, 0.04) << "it holds the figure";
  const Estimate further = Reflected({.mean = 0.1, .low = 0.08, .high = 0.15});
  EXPECT_DOUBLE_EQ(further.low, 0.05);
  EXPECT_DOUBLE_EQ(further.high, 0.12);
}

TEST(RetrievalMetrics, AnEstimateHoldsItsMean) {
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(i % 4 == 0 ? 1 : 0);
  const Estimate estimate = EstimateMean(values, 1);
  EXPECT_DOUBLE_EQ(estimate.mean, 0.25);
  // 1.96 standard errors: 0.0424 on either side.
  EXPECT_NEAR(estimate.low, 0.25 - 0.0424, 0.01);
  EXPECT_NEAR(estimate.high, 0.25 + 0.0424, 0.01);
  EXPECT_EQ(EstimateMean(values, 1).low, estimate.low);
  EXPECT_EQ(EstimateMean({}, 1).mean, 0);
}

TEST(RetrievalMetrics, EstimatesHoldTheFigure) {
  std::vector<double> values(200);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 2);
  const auto mean = [&](std::span<const std::size_t> indices) {
    double sum = 0;
    for (const std::size_t i : indices) sum += values[i];
    return sum / static_cast<double>(indices.size());
  };
  const Estimate estimate = EstimateFigure(values.size(), 1, mean);
  EXPECT_EQ(estimate.mean, 0.5);
  EXPECT_NEAR(estimate.low, 0.43, 0.02);  // 1.96 standard errors of 0.035
  EXPECT_NEAR(estimate.high, 0.57, 0.02);
}

}  // namespace
}  // namespace kinglet
