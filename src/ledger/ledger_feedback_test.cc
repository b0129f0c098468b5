// SPDX-License-Identifier: Apache-2.0
// What users say of their answers: it is kept, it counts in rows as in sums, and it may be changed.
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "ledger/ledger_for_test.h"

namespace kinglet {
namespace {

TEST_F(LedgerTest, TheUserHasTheLastWord) {
  Ledger ledger = Open();
  const std::string liked_abstention = ledger
                                           .Record([] {
                                             LedgerEntry entry = MakeEntry(0);
                                             entry.line.kept = false;
                                             return entry;
                                           }())
                                           .value();
  const std::string disliked = ledger.Record(MakeEntry(10)).value();
  EXPECT_EQ(ledger.Totals().value().useful_answers, 1);
  EXPECT_TRUE(ledger.Record(LedgerFeedback{.id = liked_abstention, .useful = true}).value());
  EXPECT_TRUE(
      ledger
          .Record(LedgerFeedback{
              .id = disliked, .useful = false, .intent = "code", .comment = "ask ann@example.org"})
          .value());
  EXPECT_FALSE(ledger.Record(LedgerFeedback{.id = "none", .useful = true}).value());
  EXPECT_EQ(ledger.Totals().value().useful_answers, 1);
  EXPECT_EQ(ledger.Totals().value().useful_tokens, 0);
  EXPECT_EQ(ledger.TotalsBy(LedgerGroup::kIntent).value()[1].group, "code");
  const LedgerEntry entry = ledger.Latest(1).value()[0];
  EXPECT_EQ(entry.thumb, false);
  EXPECT_EQ(entry.comment, "ask [email]");
}

TEST_F(LedgerTest, LaterFeedbackChangesWhatItGivesAlone) {
  Ledger ledger = Open();
  const std::string id = ledger.Record(MakeEntry(10)).value();
  const auto tell = [&](LedgerFeedback feedback) {
    feedback.id = id;
    EXPECT_TRUE(ledger.Record(feedback).value());
    return ledger.Latest(1).value()[0];
  };
  LedgerEntry entry = tell({.intent = "code"});
  EXPECT_FALSE(entry.thumb);
  EXPECT_EQ(entry.corrected_intent, "code");
  tell({.useful = false, .comment = "slow"});
  entry = tell({.useful = true});
  EXPECT_EQ(entry.thumb, true);
  EXPECT_EQ(entry.corrected_intent, "code");
  EXPECT_EQ(entry.comment, "slow");
  entry = tell({.intent = std::optional<std::string>()});
  EXPECT_EQ(entry.thumb, true);
  EXPECT_FALSE(entry.corrected_intent);
  EXPECT_EQ(entry.comment, "slow");
}

TEST_F(LedgerTest, RowsAddUpToTheirTotals) {
  Ledger ledger = Open();
  const std::string id = ledger.Record(Paid(MakeEntry(19), 1)).value();
  ASSERT_TRUE(ledger.Record(Paid(MakeEntry(10), 1)));
  EXPECT_TRUE(ledger.Record(LedgerFeedback{.id = id, .useful = false}).value());
  const auto entries = ledger.Latest(2).value();
  EXPECT_EQ(entries[1].line.useful_tokens, 0);
  EXPECT_FALSE(entries[1].line.CostPerUsefulToken());
  EXPECT_EQ(entries[0].line.useful_tokens, ledger.Totals().value().useful_tokens);
  // The thumb may be taken back.
  EXPECT_TRUE(ledger.Record(LedgerFeedback{.id = id, .useful = std::optional<bool>()}).value());
  EXPECT_EQ(ledger.Latest(2).value()[1].line.useful_tokens, 19);
}

TEST_F(LedgerTest, TellsWhatWasTakenForSomethingElse) {
  Ledger ledger = Open(/*keep_text=*/true);
  const auto record = [&](const char* question, std::optional<std::string> intent) {
    LedgerEntry entry = MakeEntry(1);
    entry.question = question;
    const std::string id = ledger.Record(entry).value();
    EXPECT_TRUE(ledger.Record(LedgerFeedback{.id = id, .intent = std::move(intent)}).value());
  };
  record("first", "bills");
  record("judged alone", std::nullopt);
  record("second of ann@example.org", "");
  record("", "bills");
  const LedgerCorrections corrections = ledger.Corrections().value();
  ASSERT_EQ(corrections.rows.size(), 2U);
  EXPECT_EQ(corrections.rows[0].question, "first");
  EXPECT_EQ(corrections.rows[0].intent, "bills");
  EXPECT_EQ(corrections.rows[1].question, "second of [email]");
  EXPECT_EQ(corrections.rows[1].intent, "");
  EXPECT_EQ(corrections.without_text, 1);
}

}  // namespace
}  // namespace kinglet
