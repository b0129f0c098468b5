// SPDX-License-Identifier: Apache-2.0
// The ledger: lines come back as recorded, totals add up, files of a newer program are left alone.
#include "answer/ledger.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() : folder_(testing::TempDir() + "kinglet_ledger_test") {
    std::filesystem::remove_all(folder_);
  }
  ~LedgerTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

Answer MakeAnswer(std::string question, int useful_tokens) {
  Answer answer{.question = std::move(question), .model = "m"};
  answer.ledger.prompt_tokens = 100;
  answer.ledger.completion_tokens = 20;
  answer.ledger.useful_tokens = useful_tokens;
  answer.ledger.total_ms = 50;
  answer.ledger.currency = "EUR";
  return answer;
}

TEST_F(LedgerTest, KeepsWhatIsRecordedAcrossOpens) {
  Answer with_cost = MakeAnswer("first \u00e9", 10);
  with_cost.ledger.cost = 0.5;
  with_cost.ledger.joules = 2;
  with_cost.ledger.joules_source = "rapl";
  Answer abstained = MakeAnswer("second", 0);
  abstained.abstained = AbstainReason::kMissing;
  {
    Ledger ledger = Ledger::Open(folder_ / "deep" / "ledger.sqlite").value();
    ASSERT_TRUE(ledger.Record(with_cost, 1000));
    ASSERT_TRUE(ledger.Record(abstained, 2000));
  }
  Ledger ledger = Ledger::Open(folder_ / "deep" / "ledger.sqlite").value();
  const auto entries = ledger.Latest(10).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].question, "second");
  EXPECT_EQ(entries[0].abstained, "missing");
  EXPECT_FALSE(entries[0].line.cost);
  EXPECT_EQ(entries[1].question, "first \u00e9");
  EXPECT_EQ(entries[1].unix_seconds, 1000);
  EXPECT_EQ(entries[1].line.useful_tokens, 10);
  EXPECT_EQ(entries[1].line.cost, 0.5);
  EXPECT_EQ(entries[1].line.joules_source, "rapl");
  EXPECT_EQ(ledger.Latest(1).value().size(), 1U);

  const LedgerTotals totals = ledger.Totals().value();
  EXPECT_EQ(totals.questions, 2);
  EXPECT_EQ(totals.abstentions, 1);
  EXPECT_EQ(totals.prompt_tokens, 200);
  EXPECT_EQ(totals.useful_tokens, 10);
  EXPECT_EQ(totals.cost, 0.5);
}

TEST_F(LedgerTest, AnEmptyLedgerHasNoCost) {
  Ledger ledger = Ledger::Open(folder_ / "ledger.sqlite").value();
  EXPECT_EQ(ledger.Totals().value().questions, 0);
  EXPECT_FALSE(ledger.Totals().value().cost);
  EXPECT_TRUE(ledger.Latest(5).value().empty());
}

TEST_F(LedgerTest, LeavesANewerFileAlone) {
  {
    ASSERT_TRUE(Ledger::Open(folder_ / "ledger.sqlite"));
  }
  ASSERT_TRUE(
      Database::Open(folder_ / "ledger.sqlite", false).value().Execute("PRAGMA user_version = 99"));
  EXPECT_EQ(Ledger::Open(folder_ / "ledger.sqlite").error().code(), StatusCode::kInvalidInput);
}

TEST(LedgerLine, CostsNothingATokenThatIsNot) {
  LedgerLine line{.useful_tokens = 4, .cost = 2.0};
  EXPECT_EQ(line.CostPerUsefulToken(), 0.5);
  line.useful_tokens = 0;
  EXPECT_FALSE(line.CostPerUsefulToken());
}

}  // namespace
}  // namespace kinglet
