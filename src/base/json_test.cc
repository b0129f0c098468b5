// SPDX-License-Identifier: Apache-2.0
// JSON: limits and errors as values.
#include "base/json.h"

#include <cmath>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Json, RoundTrips) {
  const json::value value = ParseJson(R"({"a":[1,2.5,"\u00e9"],"b":null})").value();
  EXPECT_EQ(ToJson(value), "{\"a\":[1,2.5,\"\u00e9\"],\"b\":null}");
  EXPECT_NE(Find(value, "a"), nullptr);
  EXPECT_EQ(Find(value, "c"), nullptr);
}

TEST(Json, WritesNumbersAsPeopleDo) {
  const json::value value = {0.5, -1.0, 100.0, 1e300, 2.5e-7, 3, -4, 0.1, std::nan(""), true};
  const std::string text = ToJson(value);
  EXPECT_EQ(text, "[0.5,-1.0,100.0,1e+300,2.5e-07,3,-4,0.1,null,true]");
  const json::value read = ParseJson(text).value();
  EXPECT_TRUE(read.at(2).is_double()) << "a whole one stays what it was";
  EXPECT_EQ(read.at(3).get_double(), 1e300);
  EXPECT_EQ(ToJson({{"a", json::object{{"b", json::array{}}}}}), "{\"a\":{\"b\":[]}}");
}

TEST(Json, WritesValidUtf8WhateverAStringHolds) {
  EXPECT_EQ(ToJson(json::value{{"a", "b\xff\xc3"}}), "{\"a\":\"b\uFFFD\uFFFD\"}");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "[1,]", "nul", "1 2", "\"\xff\""}) {
    EXPECT_EQ(ParseJson(text).error().code(), StatusCode::kInvalidInput) << text;
  }
}

TEST(Json, PassesOverAByteOrderMark) {
  EXPECT_EQ(ParseJson("\uFEFF{\"a\":1}").value(), (json::value{{"a", 1}}));
  EXPECT_EQ(ParseJson("\uFEFF[1,]").error().message(), ParseJson("   [1,]").error().message())
      << "a byte is where it is in the file";
  EXPECT_FALSE(ParseJson("\uFEFF"));
  EXPECT_FALSE(ParseJson("\uFEFF\uFEFF1"));
}

TEST(Json, HoldsItsLimits) {
  EXPECT_TRUE(ParseJson(std::string(8, '[') + std::string(8, ']'), {.max_depth = 8}));
  EXPECT_FALSE(ParseJson(std::string(9, '[') + std::string(9, ']'), {.max_depth = 8}));
  EXPECT_EQ(ParseJson("[1,2,3]", {.max_bytes = 3}).error().code(), StatusCode::kLimitExceeded);
}

}  // namespace
}  // namespace kinglet
