// SPDX-License-Identifier: Apache-2.0
// The progress line: what it says, and that it never wraps.
#include "cli/progress.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(ProgressTest, SaysShareAmountRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine("m", ProgressUnit::kBytes,
                         {.done = 50'000'000, .total = 100'000'000, .per_s = 10'000'000}, 100),
            "m [============>           ] 50%  50.0 MB of 100 MB  10.0 MB/s  5 s left");
  EXPECT_EQ(
      ProgressLine("books", ProgressUnit::kDocuments, {.done = 3, .total = 3, .per_s = 2}, 100),
      "books [========================] 100%  3 documents of 3 documents  2.0/s");
}

TEST(ProgressTest, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(ProgressLine("m", ProgressUnit::kTokens, {.done = 7, .total = {}, .per_s = 0}, 100),
            "m  7 tokens");
  EXPECT_EQ(ProgressLine("m", ProgressUnit::kBytes, {.done = 5, .total = 0, .per_s = 0}, 100),
            "m  5 B");
}

TEST(ProgressTest, StandsAServerThatSendsMoreThanItSaid) {
  EXPECT_EQ(ProgressLine("m", ProgressUnit::kBytes, {.done = 20, .total = 10, .per_s = 1}, 100),
            "m [========================] 100%  20 B of 10 B  1 B/s");
}

TEST(ProgressTest, FitsIntoANarrowTerminal) {
  const ProgressState state = {.done = 50'000'000, .total = 100'000'000, .per_s = 10'000'000};
  EXPECT_EQ(ProgressLine("m", ProgressUnit::kBytes, state, 60),
            "m [======>     ] 50%  50.0 MB of 100 MB  10.0 MB/s  5 s left");
  EXPECT_EQ(ProgressLine("m", ProgressUnit::kBytes, state, 50),
            "m 50%  50.0 MB of 100 MB  10.0 MB/s  5 s left");
  for (std::size_t columns = 0; columns < 100; ++columns) {
    EXPECT_LE(ProgressLine("m", ProgressUnit::kBytes, state, columns).size(), columns);
  }
}

}  // namespace
}  // namespace kinglet
