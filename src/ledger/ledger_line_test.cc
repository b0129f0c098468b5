// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a bill.
#include "ledger/ledger_line.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(LedgerLine, CostsNothingATokenThatIsNot) {
  LedgerLine line{.useful_tokens = 4, .cost = 2.0};
  EXPECT_EQ(line.CostPerUsefulToken(), 0.5);
  line.useful_tokens = 0;
  EXPECT_FALSE(line.CostPerUsefulToken());
}

TEST(LedgerLine, CountsUnlessAVerdictSaysNo) {
  EXPECT_TRUE(LedgerLine{}.Counts());
  EXPECT_TRUE((LedgerLine{.kept = true, .valid = true, .in_budget = true}.Counts()));
  EXPECT_FALSE(LedgerLine{.kept = false}.Counts());
  EXPECT_FALSE(LedgerLine{.valid = false}.Counts());
  EXPECT_FALSE(LedgerLine{.in_budget = false}.Counts());
  EXPECT_FALSE(LedgerLine{.delivered = false}.Counts());
}

TEST(LedgerLine, HasOfAStepBeforeWhatItTook) {
  LedgerLine line{.prompt_tokens = 1, .useful_tokens = 2, .first_byte_ms = 3, .total_ms = 4};
  line.AddStep({.prompt_tokens = 10,
                .cached_tokens = 20,
                .completion_tokens = 30,
                .useful_tokens = 40,
                .first_byte_ms = 50,
                .total_ms = 60,
                .queue_ms = 70,
                .retrieval_ms = 80,
                .prefill_ms = 90,
                .decode_ms = 100,
                .valid = false,
                .delivered = false});
  const LedgerLine sum{.prompt_tokens = 11,
                       .cached_tokens = 20,
                       .completion_tokens = 30,
                       .useful_tokens = 2,
                       .first_byte_ms = 3,
                       .total_ms = 4,
                       .queue_ms = 70,
                       .retrieval_ms = 80,
                       .prefill_ms = 90,
                       .decode_ms = 100};
  EXPECT_EQ(ToJson(line), ToJson(sum));
}

}  // namespace
}  // namespace kinglet
