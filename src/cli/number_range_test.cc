// SPDX-License-Identifier: Apache-2.0
#include "cli/number_range.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::StartsWith;

// Empty where the number is taken.
std::string Said(const CLI::Validator& range, std::string text) { return range(text); }

TEST(NumberRange, TakesItsEndsAndNothingBeyond) {
  const CLI::Validator range = NumberFrom(0, 1);
  for (const char* const text : {"0", "1", "0.5", ".5", "1e-3"}) EXPECT_EQ(Said(range, text), "");
  for (const char* const text : {"-0.1", "1.1", "", "x", "0.5x", " 0.5"}) {
    EXPECT_THAT(Said(range, text), StartsWith("must be a number from 0 to 1, not \"")) << text;
  }
}

TEST(NumberRange, WhatIsNotFiniteIsNoNumber) {
  for (const char* const text : {"nan", "-nan", "inf", "-inf", "1e999"}) {
    EXPECT_THAT(Said(NumberFrom(0, 1), text), StartsWith("must be a number from 0 to 1, not \""))
        << text;
    EXPECT_THAT(Said(NumberFrom(0), text), StartsWith("must be a number from 0 on, not \""))
        << text;
    EXPECT_THAT(Said(PositiveNumber(), text), StartsWith("must be a number above 0, not \""))
        << text;
  }
}

TEST(NumberRange, APositiveNumberIsAboveZero) {
  EXPECT_EQ(Said(PositiveNumber(), "1e-300"), "");
  EXPECT_EQ(Said(PositiveNumber(), "1e300"), "");
  EXPECT_EQ(Said(PositiveNumber(), "0"), "must be a number above 0, not \"0\"");
  EXPECT_EQ(Said(NumberFrom(0), "0"), "");
}

TEST(NumberRange, AWholeNumberIsNeitherNegativeNorTooGreat) {
  const CLI::Validator range = WholeFrom(1, kMaxUint64);
  EXPECT_EQ(Said(range, "18446744073709551615"), "");
  for (const char* const text : {"0", "-1", "18446744073709551616", "1.5", "1e3", "0x10", ""}) {
    EXPECT_THAT(Said(range, text),
                StartsWith("must be a whole number from 1 to 18446744073709551615, not \""))
        << text;
  }
}

}  // namespace
}  // namespace kinglet
