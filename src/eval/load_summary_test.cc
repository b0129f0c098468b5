// SPDX-License-Identifier: Apache-2.0
#include "eval/load_summary.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

LoadRecord Completed(double due_ms, double ttft_ms, double tpot_ms, std::size_t tokens) {
  const double first_ms = due_ms + 2 + ttft_ms;
  const double last_ms = first_ms + tpot_ms * static_cast<double>(tokens - 1);
  return {.outcome = LoadOutcome::kCompleted,
          .status = 200,
          .due_ms = due_ms,
          .started_ms = due_ms + 1,
          .sent_ms = due_ms + 2,
          .first_ms = first_ms,
          .last_ms = last_ms,
          .end_ms = last_ms + 1,
          .gaps_ms = std::vector<float>(tokens - 1, static_cast<float>(tpot_ms)),
          .wanted_prompt_tokens = 10,
          .wanted_answer_tokens = tokens,
          .prompt_tokens = 11,
          .cached_tokens = 4,
          .answer_tokens = tokens};
}

LoadRecord Lost(LoadOutcome outcome, double due_ms) {
  return {.outcome = outcome,
          .due_ms = due_ms,
          .started_ms = due_ms,
          .end_ms = due_ms + 5,
          .complaint = "busy"};
}

TEST(LoadSummary, PercentilesAreValuesByTheNearestRank) {
  std::vector<double> values(100);
  std::iota(values.rbegin(), values.rend(), 1.0);
  const Spread spread = SpreadOf(values);
  EXPECT_EQ(spread.p50, 50);
  EXPECT_EQ(spread.p90, 90);
  EXPECT_EQ(spread.p99, 99);
  EXPECT_EQ(spread.max, 100);
  EXPECT_EQ(spread.mean, 50.5);
  EXPECT_EQ(SpreadOf({3}).p50, 3);
  EXPECT_EQ(SpreadOf({}).count, 0U);
}

TEST(LoadSummary, ReadsLimits) {
  const auto both = ParseLoadLimits("ttft_ms=500,tpot_ms=50.5");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->ttft_ms, 500);
  EXPECT_EQ(both->tpot_ms, 50.5);
  ASSERT_TRUE(ParseLoadLimits("tpot_ms=7"));
  EXPECT_TRUE(std::isinf(ParseLoadLimits("tpot_ms=7")->ttft_ms));
  for (const char* wrong : {"ttft=5", "ttft_ms=", "ttft_ms=x", "ttft_ms=-1", "5",
                            "ttft_ms=1;tpot_ms=2", "ttft_ms=nan"}) {
    EXPECT_FALSE(ParseLoadLimits(wrong)) << wrong;
  }
}

TEST(LoadSummary, CountsEachOnceAndAMissForWhateverFailed) {
  const std::vector<LoadRecord> records = {
      Completed(0, 100, 10, 11),         Completed(100, 900, 10, 11),
      Completed(200, 100, 90, 11),       Completed(300, 100, 0, 1),
      Lost(LoadOutcome::kRejected, 400), Lost(LoadOutcome::kBroken, 500)};
  const LoadSummary summary = Summarise(records, {.ttft_ms = 500, .tpot_ms = 50});
  EXPECT_EQ(summary.sent, 6U);
  EXPECT_EQ(std::accumulate(summary.outcomes.begin(), summary.outcomes.end(), std::size_t{0}), 6U);
  EXPECT_EQ(summary.outcome(LoadOutcome::kCompleted), 4U);
  EXPECT_EQ(summary.within_limits, 2U);
  EXPECT_DOUBLE_EQ(summary.share(), 2.0 / 6);
  EXPECT_DOUBLE_EQ(summary.elapsed_s, 1.203);  // the third ends last
  EXPECT_DOUBLE_EQ(summary.goodput_per_s(), 2 / 1.203);
  EXPECT_EQ(summary.ttft.count, 4U);
  EXPECT_EQ(summary.ttft.p50, 100);
  EXPECT_EQ(summary.ttft.max, 900);
  EXPECT_EQ(summary.tpot.count, 3U);  // one token has none
  EXPECT_EQ(summary.itl.count, 30U);
  EXPECT_EQ(summary.late.max, 1);
  EXPECT_EQ(summary.cached_tokens, 16U);
  EXPECT_EQ(summary.peak_in_flight, 4U);
  EXPECT_EQ(summary.short_answers, 0U);
  EXPECT_EQ(summary.first_complaint, "busy");
}

TEST(LoadSummary, ItsJsonAddsUp) {
  const LoadSummary summary = Summarise(
      {Completed(0, 100, 10, 11), Lost(LoadOutcome::kRejected, 4), Lost(LoadOutcome::kCut, 5)}, {});
  const json::object object = ToJson(summary);
  std::int64_t failed = 0;
  for (const auto& member : object.at("failed").get_object()) {
    failed += member.value().to_number<std::int64_t>();
  }
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(object.at("sent").to_number<std::int64_t>(), 3);
  EXPECT_EQ(object.at("rejected").to_number<std::int64_t>(), 1);
  EXPECT_EQ(object.at("ttft_ms").at("p50").to_number<double>(), 100);
  EXPECT_NE(ToText(summary).find("3 sent, 1 completed, 1 rejected, 1 cut"), std::string::npos);
}

}  // namespace
}  // namespace kinglet
