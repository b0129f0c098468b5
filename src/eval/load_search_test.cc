// SPDX-License-Identifier: Apache-2.0
#include "eval/load_search.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(LoadSearch, FindsTheHighestRateFromAboveAndFromBelow) {
  for (const double first : {0.01, 1.0, 6.9, 7.0, 500.0}) {
    int probes = 0;
    const auto rate = FindRate(first, 1e6, 1.1, [&](double asked) -> Result<bool> {
      ++probes;
      return asked <= 7;
    });
    ASSERT_TRUE(rate && *rate) << first;
    EXPECT_LE(**rate, 7) << first;
    EXPECT_GE(**rate, 7 / 1.1) << first;
    EXPECT_LE(probes, 16) << first;
  }
}

TEST(LoadSearch, EndsWhereNothingOrEverythingIsKept) {
  const auto never = FindRate(1, 100, 1.1, [](double) -> Result<bool> { return false; });
  ASSERT_TRUE(never);
  EXPECT_FALSE(*never);
  for (const double first : {1.0, 100.0, 1000.0}) {
    const auto always = FindRate(first, 100, 1.1, [](double rate) -> Result<bool> {
      EXPECT_LE(rate, 100);
      return true;
    });
    ASSERT_TRUE(always && *always);
    EXPECT_EQ(**always, 100);
  }
}

TEST(LoadSearch, PassesAnErrorOn) {
  EXPECT_FALSE(FindRate(1, 100, 1.1,
                        [](double) -> Result<bool> { return Error(StatusCode::kFailed, "no"); }));
}

}  // namespace
}  // namespace kinglet
