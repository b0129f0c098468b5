// SPDX-License-Identifier: Apache-2.0
#include "eval/load_schedule.h"

#include <cmath>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

Trace MakeTrace(std::size_t rows) {
  Trace trace;
  for (std::size_t i = 0; i < rows; ++i) {
    trace.rows.push_back({.arrival_ms = 100.0 * static_cast<double>(i),
                          .prompt_tokens = 10 + i,
                          .answer_tokens = 1 + i,
                          .blocks = {}});
  }
  return trace;
}

TEST(LoadSchedule, ScalesTimesAndLengths) {
  const LoadSchedule schedule =
      MakeLoadSchedule(MakeTrace(4), {.scale_length = 0.25, .scale_time = 2});
  ASSERT_EQ(schedule.requests.size(), 4U);
  EXPECT_EQ(schedule.requests[3].at_ms, 600);
  EXPECT_EQ(schedule.requests[3].prompt_tokens, 3U);
  EXPECT_EQ(schedule.requests[0].answer_tokens, 1U);  // never none
  EXPECT_EQ(schedule.requests[3].row, 3U);
}

TEST(LoadSchedule, KeepsItsLimits) {
  const Trace trace = MakeTrace(10);
  EXPECT_EQ(MakeLoadSchedule(trace, {.limit = 3}).requests.size(), 3U);
  EXPECT_EQ(MakeLoadSchedule(trace, {.duration_s = 0.5}).requests.size(), 5U);
  const LoadSchedule short_ones = MakeLoadSchedule(trace, {.context_tokens = 15});
  EXPECT_EQ(short_ones.requests.size(), 3U);  // 11, 13, 15
  EXPECT_EQ(short_ones.left_out, 7U);
}

TEST(LoadSchedule, DrawsPoissonArrivalsFromTheSeed) {
  const Trace trace = MakeTrace(20'000);
  const LoadSchedule slow = MakeLoadSchedule(trace, {.rate_per_s = 4, .seed = 7});
  const LoadSchedule fast = MakeLoadSchedule(trace, {.rate_per_s = 8, .seed = 7});
  const LoadSchedule other = MakeLoadSchedule(trace, {.rate_per_s = 4, .seed = 8});
  const double mean_ms = slow.requests.back().at_ms / 20'000;
  EXPECT_NEAR(mean_ms, 250, 10);
  double squares = 0;
  double before = 0;
  for (std::size_t i = 0; i < slow.requests.size(); ++i) {
    EXPECT_NEAR(slow.requests[i].at_ms, 2 * fast.requests[i].at_ms, 1e-6 * slow.requests[i].at_ms);
    const double gap = slow.requests[i].at_ms - before;
    squares += (gap - mean_ms) * (gap - mean_ms);
    before = slow.requests[i].at_ms;
  }
  EXPECT_NEAR(std::sqrt(squares / 20'000) / mean_ms, 1, 0.05);  // as an exponential's
  EXPECT_NE(slow.requests[0].at_ms, other.requests[0].at_ms);
}

}  // namespace
}  // namespace kinglet
