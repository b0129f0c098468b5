// SPDX-License-Identifier: Apache-2.0
#include "eval/load_trace.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(LoadTrace, ReadsAzuresCsv) {
  const auto trace = ParseTrace(
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 23:59:59.9799600,4808,10\r\n"
      "2023-11-17 00:00:00.2299600,374,44\r\n"
      "2023-11-17 00:00:01+00:00,0,44\n"
      "2023-11-17 00:00:02+00:00,9,1");
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->rows.size(), 3U);
  EXPECT_EQ(trace->skipped_rows, 1U);
  EXPECT_EQ(trace->rows[0].arrival_ms, 0);
  EXPECT_EQ(trace->rows[0].prompt_tokens, 4808U);
  EXPECT_EQ(trace->rows[0].answer_tokens, 10U);
  EXPECT_TRUE(trace->rows[0].blocks.empty());
  EXPECT_NEAR(trace->rows[1].arrival_ms, 250, 0.01);
  EXPECT_NEAR(trace->rows[2].arrival_ms, 2020.04, 0.01);
}

TEST(LoadTrace, ReadsMooncakesLinesAndSortsThem) {
  const auto trace =
      ParseTrace(R"({"timestamp": 40, "input_length": 600, "output_length": 3, "hash_ids": [7, 9]})"
                 "\n\n"
                 R"({"timestamp": 10, "input_length": 5, "output_length": 0, "hash_ids": []})"
                 "\n"
                 R"({"timestamp": 15, "input_length": 5, "output_length": 2, "hash_ids": [7]})");
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->rows.size(), 2U);
  EXPECT_EQ(trace->skipped_rows, 1U);
  EXPECT_EQ(trace->rows[0].arrival_ms, 0);
  EXPECT_EQ(trace->rows[0].blocks, std::vector<std::uint64_t>{7});
  EXPECT_EQ(trace->rows[1].arrival_ms, 25);
  EXPECT_EQ(trace->rows[1].blocks, (std::vector<std::uint64_t>{7, 9}));
}

TEST(LoadTrace, NamesTheLineThatIsNone) {
  const std::string head = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  for (const char* line :
       {"2023-11-16 18:17:03,4808", "2023-13-16 18:17:03,4808,1", "2023-11-16 18:17:03,48x,1",
        "2023-11-16 18:17:03,48,1,2", "2023-11-16 18:17:03,48,99999999999", "x"}) {
    const auto trace = ParseTrace(head + "2023-11-16 18:17:03,4,1\n" + line);
    ASSERT_FALSE(trace) << line;
    EXPECT_EQ(trace.error().code(), StatusCode::kInvalidInput);
    EXPECT_NE(trace.error().message().find("line 3"), std::string::npos);
  }
  for (const char* text :
       {"", "a,b", "TIMESTAMP,ContextTokens,GeneratedTokens\n", "{}", "{\"timestamp\": 1}",
        R"({"timestamp": -1, "input_length": 5, "output_length": 2})",
        R"({"timestamp": 1, "input_length": 5, "output_length": 2, "hash_ids": ["x"]})"}) {
    EXPECT_FALSE(ParseTrace(text)) << text;
  }
}

}  // namespace
}  // namespace kinglet
