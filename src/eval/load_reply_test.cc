// SPDX-License-Identifier: Apache-2.0
#include "eval/load_reply.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

constexpr std::string_view kEnd = R"(data: {"choices":[{"text":"","finish_reason":"length"}]})"
                                  "\n\ndata: [DONE]\n\n";

LoadRecord Read(int status, std::string_view body, HttpPostEnd end = HttpPostEnd::kWhole) {
  LoadReply reply(LoadRecord{});
  reply.OnSent(1);
  const bool goes_on = reply.OnBody(status, body, 5);
  reply.OnEnd(goes_on ? end : HttpPostEnd::kCancelled, status, 9);
  EXPECT_TRUE(reply.has_ended());
  return reply.record();
}

std::string Text(std::string_view text) {
  return fmt::format("data: {{\"choices\":[{{\"text\":\"{}\",\"finish_reason\":null}}]}}\n\n",
                     text);
}

TEST(LoadReply, TimesTheTextAndReadsTheUsage) {
  LoadReply reply(LoadRecord{.wanted_answer_tokens = 4});
  reply.OnSent(100);
  EXPECT_TRUE(reply.OnBody(200, Text(""), 110));  // a piece without text is no first token
  EXPECT_TRUE(reply.OnBody(200, Text("a").substr(0, 20), 120));
  EXPECT_TRUE(reply.OnBody(200, Text("a").substr(20), 130));
  EXPECT_TRUE(reply.OnBody(200, Text("b"), 150));
  EXPECT_TRUE(reply.OnBody(200, Text("c"), 190));
  EXPECT_TRUE(
      reply.OnBody(200,
                   R"(data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":4,)"
                   R"("prompt_tokens_details":{"cached_tokens":5}}})"
                   "\n\n",
                   200));
  EXPECT_TRUE(reply.OnBody(200, kEnd, 200));
  reply.OnEnd(HttpPostEnd::kWhole, 200, 210);
  const LoadRecord& record = reply.record();
  EXPECT_EQ(record.outcome, LoadOutcome::kCompleted);
  EXPECT_EQ(record.ttft_ms(), 30);
  EXPECT_EQ(record.tpot_ms(), 20);  // four tokens by usage, though only three had text
  EXPECT_EQ(record.gaps_ms, (std::vector<float>{20, 40}));
  EXPECT_EQ(record.prompt_tokens, 7U);
  EXPECT_EQ(record.cached_tokens, 5U);
  EXPECT_EQ(record.complaint, "");
}

TEST(LoadReply, ReadsChatAndLlamaServersTimings) {
  const LoadRecord record =
      Read(200, R"(data: {"choices":[{"delta":{"role":"assistant","content":null}}]})"
                "\n\n"
                R"(data: {"choices":[{"delta":{"reasoning_content":"hm"}}]})"
                "\n\n"
                R"(data: {"choices":[{"delta":{},"finish_reason":"stop"}],"timings":{"cache_n":3}})"
                "\n\n");
  EXPECT_EQ(record.outcome, LoadOutcome::kCompleted);
  EXPECT_EQ(record.cached_tokens, 3U);
  EXPECT_EQ(record.tokens(), 1U);
  EXPECT_EQ(record.tpot_ms(), 0);
}

TEST(LoadReply, ClassifiesWhatIsNoAnswer) {
  const std::string whole = Text("a") + std::string(kEnd);
  EXPECT_EQ(Read(200, whole).outcome, LoadOutcome::kCompleted);
  EXPECT_EQ(Read(429, "busy").outcome, LoadOutcome::kRejected);
  EXPECT_EQ(Read(429, "busy").complaint, "busy");
  EXPECT_EQ(Read(200, Text("a"), HttpPostEnd::kTimedOut).complaint, "");
  EXPECT_EQ(Read(200, "<html>").complaint, "<html>");
  EXPECT_EQ(Read(503, "").outcome, LoadOutcome::kRejected);
  EXPECT_EQ(Read(400, "{}").outcome, LoadOutcome::kRefused);
  EXPECT_EQ(Read(0, "", HttpPostEnd::kNoConnection).outcome, LoadOutcome::kNoConnection);
  EXPECT_EQ(Read(200, Text("a"), HttpPostEnd::kBroken).outcome, LoadOutcome::kBroken);
  EXPECT_EQ(Read(200, Text("a"), HttpPostEnd::kTimedOut).outcome, LoadOutcome::kTimedOut);
  EXPECT_EQ(Read(200, Text("a"), HttpPostEnd::kCancelled).outcome, LoadOutcome::kCancelled);
  EXPECT_EQ(Read(200, Text("a") + "data: {\"error\":{\"code\":500}}\n\n").outcome,
            LoadOutcome::kServerError);
  EXPECT_EQ(Read(200, Text("a") + "data: {oops\n\n").outcome, LoadOutcome::kGarbage);
  EXPECT_EQ(Read(200, "data: 7\n\n").outcome, LoadOutcome::kGarbage);
  EXPECT_EQ(Read(200, "<html>").outcome, LoadOutcome::kGarbage);
  EXPECT_EQ(Read(200, std::string(std::size_t{2} << 20, 'x')).outcome, LoadOutcome::kGarbage);
  EXPECT_EQ(Read(200, Text("a")).outcome, LoadOutcome::kCut);
  EXPECT_EQ(Read(200, kEnd).outcome, LoadOutcome::kEmpty);
}

TEST(LoadReply, NamesEachOutcome) {
  EXPECT_EQ(Name(LoadOutcome::kCompleted), "completed");
  EXPECT_EQ(Name(LoadOutcome::kCancelled), "cancelled");
}

}  // namespace
}  // namespace kinglet
