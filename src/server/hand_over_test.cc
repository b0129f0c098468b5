// SPDX-License-Identifier: Apache-2.0
// What an endpoint's answer is counted for.
#include "server/hand_over.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(HandedOver, UsageStandsAtTheEnd) {
  const auto whole = UsageAtEnd(
      R"({"choices": [{"message": {"content": "\"prompt_tokens\": 99"}}], "usage":
          {"prompt_tokens": 12, "completion_tokens":7, "total_tokens": 19,
           "prompt_tokens_details": {"cached_tokens": 5}}})");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->prompt_tokens, 12);
  EXPECT_EQ(whole->cached_tokens, 5);
  EXPECT_EQ(whole->completion_tokens, 7);
  // With each event, of which the last counts.
  const auto stream = UsageAtEnd(
      "data: {\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n"
      "data: {\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n");
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->completion_tokens, 2);
  EXPECT_EQ(stream->cached_tokens, 0);
  EXPECT_FALSE(UsageAtEnd("data: {\"usage\":null}\n\ndata: [DONE]\n\n"));
  EXPECT_FALSE(UsageAtEnd(R"({"prompt_tokens": -1, "completion_tokens": 1})"));
  EXPECT_FALSE(UsageAtEnd(R"({"prompt_tokens": 99999999999, "completion_tokens": 1})"));
  EXPECT_FALSE(UsageAtEnd(R"({"prompt_tokens": 1, "completion_tokens":)"));
}

TEST(HandedOver, CostsWhatTheEndpointTakes) {
  HandedOver outcome{.status = 200, .whole = true, .first_byte_ms = 5, .total_ms = 9};
  outcome.usage = {.prompt_tokens = 3000, .cached_tokens = 1000, .completion_tokens = 500};
  IntentEndpoint endpoint{.name = "big"};
  EXPECT_FALSE(BillOf(outcome, endpoint).cost);
  endpoint.prices = {.prompt = 2, .cached = 0.5, .completion = 10, .currency = "USD"};
  const LedgerLine line = BillOf(outcome, endpoint);
  EXPECT_EQ(line.prompt_tokens, 3000);
  EXPECT_EQ(line.cached_tokens, 1000);
  EXPECT_EQ(line.completion_tokens, 500);
  EXPECT_EQ(line.first_byte_ms, 5);
  EXPECT_EQ(line.total_ms, 9);
  EXPECT_DOUBLE_EQ(line.cost.value_or(0), 0.004 + 0.0005 + 0.005);
  EXPECT_EQ(line.currency, "USD");
  EXPECT_TRUE(line.delivered);
  outcome.whole = false;
  EXPECT_FALSE(BillOf(outcome, endpoint).delivered);
  outcome = {.status = 500, .whole = true};
  EXPECT_FALSE(BillOf(outcome, endpoint).cost);
  EXPECT_FALSE(BillOf(outcome, endpoint).delivered);
}

}  // namespace
}  // namespace kinglet
