// SPDX-License-Identifier: Apache-2.0
// JSON: limits and errors as values.
#include "base/json.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Json, RoundTrips) {
  const json::value value = ParseJson(R"({"a":[1,2.5,"\u00e9"],"b":null})").value();
  EXPECT_EQ(ToJson(value), "{\"a\":[1,2.5E0,\"\u00e9\"],\"b\":null}");
  EXPECT_NE(Find(value, "a"), nullptr);
  EXPECT_EQ(Find(value, "c"), nullptr);
}

TEST(Json, WritesValidUtf8WhateverAStringHolds) {
  EXPECT_EQ(ToJson(json::value{{"a", "b\xff\xc3"}}), "{\"a\":\"b\uFFFD\uFFFD\"}");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "[1,]", "nul", "1 2", "\"\xff\""}) {
    EXPECT_EQ(ParseJson(text).error().code(), StatusCode::kInvalidInput) << text;
  }
}

TEST(Json, HoldsItsLimits) {
  EXPECT_TRUE(ParseJson(std::string(8, '[') + std::string(8, ']'), {.max_depth = 8}));
  EXPECT_FALSE(ParseJson(std::string(9, '[') + std::string(9, ']'), {.max_depth = 8}));
  EXPECT_EQ(ParseJson("[1,2,3]", {.max_bytes = 3}).error().code(), StatusCode::kLimitExceeded);
}

}  // namespace
}  // namespace kinglet
