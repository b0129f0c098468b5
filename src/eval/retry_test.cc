// SPDX-License-Identifier: Apache-2.0
#include "eval/retry.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

constexpr double kMinuteMs = 60'000;

std::optional<double> Delay(const PostAttempt& attempt, double luck = 0) {
  return RetryDelayMs({.attempts = 6, .first_ms = 500, .most_ms = 8000}, attempt, luck);
}

PostAttempt Busy(int number) { return {.status = 503, .number = number, .left_ms = kMinuteMs}; }

TEST(Retry, IsForWhatMayPass) {
  for (const int status : {408, 409, 429, 500, 502, 503, 504, 529}) {
    EXPECT_TRUE(Delay({.status = status, .left_ms = kMinuteMs})) << status;
  }
  for (const int status : {200, 204, 301, 400, 401, 403, 404, 413, 422}) {
    EXPECT_FALSE(Delay({.status = status, .left_ms = kMinuteMs})) << status;
  }
  for (const HttpPostEnd end :
       {HttpPostEnd::kNoConnection, HttpPostEnd::kBroken, HttpPostEnd::kTimedOut}) {
    EXPECT_TRUE(Delay({.end = end, .status = 200, .left_ms = kMinuteMs}));
  }
  EXPECT_FALSE(Delay({.end = HttpPostEnd::kCancelled, .status = 503, .left_ms = kMinuteMs}));
}

TEST(Retry, WaitsTwiceAsLongEachTimeUpToABound) {
  EXPECT_EQ(Delay(Busy(1)), 500);
  EXPECT_EQ(Delay(Busy(2)), 1000);
  EXPECT_EQ(Delay(Busy(3)), 2000);
  EXPECT_EQ(Delay(Busy(5)), 8000);
  EXPECT_EQ(Delay(Busy(6)), std::nullopt);  // the last has failed
  EXPECT_EQ(RetryDelayMs({.attempts = 99, .first_ms = 500, .most_ms = 8000}, Busy(90), 0), 8000);
}

TEST(Retry, LuckShortensTheWaitByAQuarterAtMost) {
  EXPECT_EQ(Delay(Busy(2), 0.5), 875);
  EXPECT_GE(Delay(Busy(2), 0.999).value_or(0), 750);
}

TEST(Retry, WaitsAsLongAsItIsAskedTo) {
  PostAttempt attempt = Busy(1);
  attempt.retry_after_ms = 20'000;
  EXPECT_EQ(Delay(attempt, 0.9), 20'000);
  attempt.number = 4;
  attempt.retry_after_ms = 1000;  // again and again: whoever asks so has no idea
  EXPECT_EQ(Delay(attempt), 4000);
}

TEST(Retry, EndsWhereNoTimeIsLeft) {
  PostAttempt attempt = Busy(1);
  attempt.left_ms = 500;
  EXPECT_EQ(Delay(attempt), std::nullopt);
  attempt.left_ms = kMinuteMs;
  attempt.retry_after_ms = 2 * kMinuteMs;
  EXPECT_EQ(Delay(attempt), std::nullopt);
}

}  // namespace
}  // namespace kinglet
