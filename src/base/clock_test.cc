// SPDX-License-Identifier: Apache-2.0
// Times as text, and back.
#include "base/clock.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Clock, ReadsTheTimesThatItWrites) {
  for (const std::int64_t seconds : {INT64_C(0), INT64_C(951782400), INT64_C(4102444799)}) {
    EXPECT_EQ(ParseIso8601(Iso8601(seconds)), seconds);
  }
  EXPECT_EQ(ParseIso8601("2026-01-31T12:34:56Z"), 1769862896);
}

TEST(Clock, RefusesOtherTimes) {
  for (const char* text : {"", "2026-01-31", "2026-01-31T12:34:56", "2026-01-31T12:34:56Z ",
                           "2026-1-31T12:34:56Z", "2026-02-30T12:34:56Z", "2026-01-31T12:34:60Z",
                           "2026-01-31T24:00:00Z", "99999999999-01-31T12:34:56Z"}) {
    EXPECT_EQ(ParseIso8601(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace kinglet
