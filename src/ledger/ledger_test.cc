// SPDX-License-Identifier: Apache-2.0
// The ledger: rows come back as recorded, totals add up, text is kept where asked and masked, older
// files are taken over, a newer program's are left alone.
#include "ledger/ledger.h"

#include <fstream>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/file.h"
#include "ledger/books.h"
#include "ledger/ledger_for_test.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(LedgerTest, KeepsEachColumnAcrossOpens) {
  LedgerEntry entry{.answered_at = 1000,
                    .kind = "ask",
                    .mode = "cite",
                    .intent = "howto",
                    .model = "m\u00e9",
                    .model_digest = "sha256:00",
                    .first_model = "s",
                    .confidence = 0.25,
                    .abstained = "missing",
                    .question = "q",
                    .answer = "a"};
  entry.line = {.prompt_tokens = 1,
                .cached_tokens = 2,
                .completion_tokens = 3,
                .useful_tokens = 4,
                .first_byte_ms = 5.5,
                .total_ms = 6.5,
                .queue_ms = 7.5,
                .retrieval_ms = 8.5,
                .prefill_ms = 9.5,
                .decode_ms = 10.5,
                .machine_ms = 11.5,
                .joules = 12.5,
                .joules_source = "rapl",
                .cost = 13.5,
                .currency = "USD",
                .kept = false,
                .valid = true,
                .in_budget = true,
                .delivered = false};
  const std::string id = Open(/*keep_text=*/true).Record(entry).value();
  EXPECT_EQ(id.size(), 16U);
  ASSERT_TRUE(Open().Record(MakeEntry(1)));
  const auto entries = Open().Latest(10).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_FALSE(entries[0].abstained || entries[0].line.kept || entries[0].line.joules);
  EXPECT_TRUE(entries[0].line.delivered);
  entry.line.id = id;
  EXPECT_EQ(ToJson(entries[1].line), ToJson(entry.line));
  EXPECT_EQ(entries[1].answered_at, 1000);
  EXPECT_EQ(entries[1].kind, "ask");
  EXPECT_EQ(entries[1].mode, "cite");
  EXPECT_EQ(entries[1].intent, "howto");
  EXPECT_EQ(entries[1].model, "m\u00e9");
  EXPECT_EQ(entries[1].model_digest, "sha256:00");
  EXPECT_EQ(entries[1].first_model, "s");
  EXPECT_EQ(entries[1].confidence, 0.25);
  EXPECT_FALSE(entries[0].first_model || entries[0].confidence);
  EXPECT_EQ(entries[1].abstained, "missing");
  EXPECT_EQ(entries[1].question, "q");
  EXPECT_EQ(entries[1].answer, "a");
  EXPECT_EQ(Open().Latest(1).value().size(), 1U);
}

TEST_F(LedgerTest, TheDigestOfNoFileIsNull) {
  Ledger ledger = Open();
  LedgerEntry entry = MakeEntry(1);
  entry.model_digest = "";
  ASSERT_TRUE(ledger.Record(entry));
  EXPECT_FALSE(ledger.Latest(1).value()[0].model_digest);
}

TEST_F(LedgerTest, AddsUp) {
  Ledger ledger = Open();
  LedgerEntry estimated = Paid(MakeEntry(10), 0.5);
  estimated.line.joules = 2;
  estimated.line.joules_source = "estimate";
  LedgerEntry abstained = Paid(MakeEntry(0), 0.25);
  abstained.line.kept = false;
  abstained.abstained = "missing";
  abstained.line.joules = 3;
  abstained.line.joules_source = "rapl";
  LedgerEntry quotes = MakeEntry(0);
  quotes.line.kept = true;
  LedgerEntry invalid = MakeEntry(0);
  invalid.line.valid = false;
  for (const LedgerEntry& entry : {estimated, abstained, quotes, invalid}) {
    ASSERT_TRUE(ledger.Record(entry));
  }
  const LedgerTotals totals = ledger.Totals().value();
  EXPECT_EQ(totals.answers, 4);
  EXPECT_EQ(totals.useful_answers, 2);
  EXPECT_EQ(totals.abstentions, 1);
  EXPECT_EQ(totals.prompt_tokens, 400);
  EXPECT_EQ(totals.cached_tokens, 160);
  EXPECT_EQ(totals.completion_tokens, 80);
  EXPECT_EQ(totals.useful_tokens, 10);
  EXPECT_EQ(totals.total_ms, 200);
  EXPECT_EQ(totals.machine_ms, 100);
  EXPECT_EQ(totals.joules, 5);
  EXPECT_EQ(totals.estimated_joules, 2);
  EXPECT_EQ(totals.cost, 0.75);
  EXPECT_EQ(totals.currency, "EUR");
  // Of those with a price: what was spent on answers that were of no use counts too.
  EXPECT_EQ(totals.cost_per_useful_token, 0.075);
  EXPECT_EQ(totals.cost_per_useful_answer, 0.75);
}

TEST_F(LedgerTest, DoesNotAddUpCurrencies) {
  Ledger ledger = Open();
  ASSERT_TRUE(ledger.Record(Paid(MakeEntry(10), 1, "EUR")));
  ASSERT_TRUE(ledger.Record(Paid(MakeEntry(10), 1, "USD")));
  EXPECT_FALSE(ledger.Totals().value().cost);
  EXPECT_FALSE(ledger.Totals().value().cost_per_useful_token);
}

TEST_F(LedgerTest, AnEmptyLedgerHasNoCost) {
  Ledger ledger = Open();
  EXPECT_EQ(ledger.Totals().value().answers, 0);
  EXPECT_FALSE(ledger.Totals().value().cost || ledger.Totals().value().joules);
  EXPECT_TRUE(ledger.Latest(5).value().empty());
  EXPECT_TRUE(ledger.TotalsBy(LedgerGroup::kModel).value().empty());
}

TEST_F(LedgerTest, GroupsByWhatIsAskedFor) {
  Ledger ledger = Open();
  constexpr std::int64_t kDay = 86'400;
  for (const std::int64_t at : {kDay, kDay + 1, 2 * kDay}) {
    LedgerEntry entry = MakeEntry(1, at);
    entry.model = at == kDay ? "small" : "large";
    if (at == kDay) entry.intent = "chat";
    ASSERT_TRUE(ledger.Record(entry));
  }
  const auto groups = [&](LedgerGroup by) {
    std::vector<std::pair<std::string, std::int64_t>> found;
    const auto all = ledger.TotalsBy(by).value();
    for (const LedgerTotals& totals : all) {
      found.emplace_back(totals.group, totals.answers);
    }
    return found;
  };
  using Found = std::vector<std::pair<std::string, std::int64_t>>;
  EXPECT_EQ(groups(LedgerGroup::kDay), (Found{{"1970-01-03", 1}, {"1970-01-02", 2}}));
  EXPECT_EQ(groups(LedgerGroup::kModel), (Found{{"large", 2}, {"small", 1}}));
  EXPECT_EQ(groups(LedgerGroup::kIntent), (Found{{"", 2}, {"chat", 1}}));
  EXPECT_EQ(groups(LedgerGroup::kMode), (Found{{"text", 3}}));
  for (const LedgerGroup& by : kLedgerGroups) EXPECT_EQ(FindLedgerGroup(Name(by)), &by);
  EXPECT_EQ(FindLedgerGroup("colour"), nullptr);
}

TEST_F(LedgerTest, KeepsTextWhereAskedAndMasksIt) {
  LedgerEntry entry = MakeEntry(1);
  entry.question = "Write to ann@example.org.";
  entry.answer = "I shall write to ann@example.org.";
  ASSERT_TRUE(Open(/*keep_text=*/false).Record(entry));
  EXPECT_FALSE(Open().Latest(1).value()[0].question);
  ASSERT_TRUE(Open(/*keep_text=*/true).Record(entry));
  EXPECT_EQ(Open().Latest(1).value()[0].question, "Write to [email].");
  EXPECT_EQ(Open().Latest(1).value()[0].answer, "I shall write to [email].");
  EXPECT_THAT(BytesOnDisk(), Not(HasSubstr("ann@example.org")));
}

TEST_F(LedgerTest, WhatIsPersonalIsNotCutInTwo) {
  constexpr std::size_t kKept = 16384;
  LedgerEntry entry = MakeEntry(1);
  entry.question = std::string(kKept - 9, 'x') + " ann@example.org and so on";
  ASSERT_TRUE(Open(/*keep_text=*/true).Record(entry));
  EXPECT_EQ(Open().Latest(1).value()[0].question, std::string(kKept - 9, 'x') + ' ');
  EXPECT_THAT(BytesOnDisk(), Not(HasSubstr("ann@")));
}

TEST_F(LedgerTest, ForgetsOffTheDisk) {
  LedgerEntry entry = MakeEntry(1, 1000);
  entry.question = "a question to be forgotten";
  Ledger ledger = Open(/*keep_text=*/true);
  const std::string id = ledger.Record(entry).value();
  ASSERT_TRUE(ledger.Record(MakeEntry(1, 2000)));
  ASSERT_THAT(BytesOnDisk(), HasSubstr("to be forgotten"));
  EXPECT_EQ(ledger.Forget("none").value(), 0);
  EXPECT_EQ(ledger.Forget(id).value(), 1);
  EXPECT_THAT(BytesOnDisk(), Not(HasSubstr("to be forgotten")));
  EXPECT_EQ(ledger.ForgetBefore(2000).value(), 0);
  EXPECT_EQ(ledger.ForgetBefore(2001).value(), 1);
  EXPECT_TRUE(ledger.Latest(1).value().empty());
}

TEST_F(LedgerTest, SaysWhatTheLogStillHolds) {
  LedgerEntry entry = MakeEntry(1, 1000);
  entry.question = "a question to be forgotten";
  Ledger ledger = Open(/*keep_text=*/true);
  const std::string id = ledger.Record(entry).value();
  {
    Database other = Database::Open(File(), /*create=*/false).value();
    Statement reading = other.Prepare("SELECT id FROM answers").value();
    ASSERT_TRUE(reading.Step().value());
    const auto removed = ledger.Forget(id);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code(), StatusCode::kBusy);
    EXPECT_THAT(removed.error().message(), HasSubstr("the log still holds"));
    ASSERT_THAT(BytesOnDisk(), HasSubstr("to be forgotten"));
  }
  // The row has gone, and now the log too.
  EXPECT_EQ(ledger.ForgetBefore(2000).value(), 0);
  EXPECT_THAT(BytesOnDisk(), Not(HasSubstr("to be forgotten")));
}

TEST_F(LedgerTest, RowsEndWhenTheyAreTooOld) {
  const std::int64_t now = UnixSeconds();
  constexpr std::int64_t kDay = 86'400;
  {
    Ledger ledger = Open();
    for (int i = 0; i < 2500; ++i) ASSERT_TRUE(ledger.Record(MakeEntry(1, now - 3 * kDay)));
    ASSERT_TRUE(ledger.Record(MakeEntry(2, now)));
  }
  Ledger ledger = Open(/*keep_text=*/false, /*keep_days=*/2);
  EXPECT_EQ(ledger.Totals().value().answers, 1);
  // And while it is open.
  Ledger other = Open();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(other.Record(MakeEntry(1, now - 3 * kDay)));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ledger.Record(MakeEntry(3, now)));
  EXPECT_EQ(ledger.Totals().value().answers, 3);
}

TEST_F(LedgerTest, TellsWhatAPolicyIsLearnedFrom) {
  Ledger ledger = Open();
  const auto record = [&](const char* model, const char* first, std::optional<double> confidence,
                          bool abstains, bool delivered = true) {
    LedgerEntry entry = MakeEntry(1);
    entry.line.delivered = delivered;
    entry.model = model;
    if (first != nullptr) entry.first_model = first;
    entry.confidence = confidence;
    entry.line.kept = !abstains;
    if (abstains) entry.abstained = "missing";
    return ledger.Record(entry).value();
  };
  record("small", "small", 0.9, false);
  record("large", "small", 0.4, false);
  record("small", nullptr, 0.7, false);
  record("large", nullptr, 0.8, false);           // of no cascade's first model
  record("small", "small", std::nullopt, false);  // nobody knows how sure it was
  record("small", "small", 0.6, true);            // whether it was right, nobody says
  record("large", "small", 0.6, false, /*delivered=*/false);
  const std::string liked = record("small", "small", 0.5, true);
  ASSERT_TRUE(ledger.Record(LedgerFeedback{.id = liked, .useful = true}).value());
  const auto steps = ledger.JudgedSteps().value();
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].confidence, 0.9);
  EXPECT_EQ(steps[1].model, "large");
  EXPECT_EQ(steps[1].first_model, "small");
  EXPECT_EQ(steps[1].machine_ms, 25);
  EXPECT_TRUE(steps[1].useful);
  EXPECT_FALSE(steps[1].has_thumb);
  EXPECT_EQ(steps[2].first_model, "small");
  EXPECT_TRUE(steps[3].has_thumb);
  EXPECT_TRUE(steps[3].useful);
}

TEST_F(LedgerTest, IsForItsOwnerToRead) {
  const Ledger ledger = Open();
  const auto mode = fs::status(File()).permissions();
  EXPECT_EQ(mode & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);
}

TEST_F(LedgerTest, LeavesANewerFileAlone) {
  (void)Open();
  ASSERT_TRUE(Database::Open(File(), false).value().Execute("PRAGMA user_version = 99"));
  EXPECT_EQ(Ledger::Open({.file = File()}).error().code(), StatusCode::kInvalidInput);
}

// As kinglet made it before it kept answers of every kind.
constexpr const char* kVersion1 = R"sql(
  CREATE TABLE questions (
    id INTEGER PRIMARY KEY, asked_at INTEGER NOT NULL, question TEXT NOT NULL, mode TEXT NOT NULL,
    model TEXT NOT NULL, abstained TEXT, prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    useful_tokens INTEGER NOT NULL, first_byte_ms REAL NOT NULL, total_ms REAL NOT NULL,
    retrieval_ms REAL NOT NULL, prefill_ms REAL NOT NULL, decode_ms REAL NOT NULL, joules REAL,
    joules_source TEXT, cost REAL, currency TEXT NOT NULL) STRICT;
  INSERT INTO questions VALUES
    (1, 1000, 'where is ann@example.org?', 'cite', 'm', NULL, 100, 40, 20, 10, 5, 50, 1, 2, 3,
     NULL, NULL, 0.5, 'EUR'),
    (2, 2000, 'a question of old', 'quote', '', 'missing', 0, 0, 0, 0, 5, 6, 1, 0, 0, 2.5, 'rapl',
     NULL, 'EUR');
  PRAGMA user_version = 1;
)sql";

class OldLedgerTest : public LedgerTest {
 protected:
  OldLedgerTest() {
    fs::create_directories(File().parent_path());
    EXPECT_TRUE(Database::Open(File(), true).value().Execute(kVersion1));
  }
};

TEST_F(OldLedgerTest, IsTakenOverWithItsFigures) {
  Ledger ledger = Open();
  const auto entries = ledger.Latest(10).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].abstained, "missing");
  EXPECT_EQ(entries[0].line.kept, false);
  EXPECT_EQ(entries[0].line.joules, 2.5);
  EXPECT_EQ(entries[1].answered_at, 1000);
  EXPECT_EQ(entries[1].kind, "ask");
  EXPECT_EQ(entries[1].mode, "cite");
  EXPECT_EQ(entries[1].model, "m");
  EXPECT_EQ(entries[1].line.kept, true);
  EXPECT_EQ(entries[1].line.prompt_tokens, 100);
  EXPECT_EQ(entries[1].line.useful_tokens, 10);
  EXPECT_EQ(entries[1].line.machine_ms, 50);
  EXPECT_EQ(entries[1].line.cost, 0.5);
  EXPECT_EQ(entries[1].line.id.size(), 16U);
  EXPECT_NE(entries[1].line.id, entries[0].line.id);
  ASSERT_TRUE(ledger.Record(MakeEntry(1)));
  EXPECT_EQ(Open().Latest(10).value().size(), 3U);
}

TEST_F(LedgerTest, TakesOverTheVersionBeforeCascades) {
  const std::string id = Open().Record(MakeEntry(7)).value();
  ASSERT_TRUE(Database::Open(File(), false)
                  .value()
                  .Execute("ALTER TABLE answers DROP COLUMN first_model;"
                           "ALTER TABLE answers DROP COLUMN confidence;"
                           "PRAGMA user_version = 2"));
  Ledger ledger = Open();
  const auto entries = ledger.Latest(10).value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].line.id, id);
  EXPECT_EQ(entries[0].line.useful_tokens, 7);
  EXPECT_FALSE(entries[0].first_model);
}

TEST_F(OldLedgerTest, LosesItsTextUnlessTextIsKept) {
  ASSERT_THAT(BytesOnDisk(), HasSubstr("a question of old"));
  EXPECT_FALSE(Open().Latest(1).value()[0].question);
  EXPECT_THAT(BytesOnDisk(), Not(HasSubstr("a question of old")));
}

TEST_F(OldLedgerTest, KeepsItsTextMasked) {
  const auto entries = Open(/*keep_text=*/true).Latest(10).value();
  EXPECT_EQ(entries[0].question, "a question of old");
  EXPECT_EQ(entries[1].question, "where is [email]?");
  EXPECT_THAT(BytesOnDisk(), Not(HasSubstr("ann@example.org")));
}

TEST_F(LedgerTest, BooksPutAPriceAndAnIdOnTheBill) {
  Books books(
      {.ledger = {.file = File()},
       .prices = {.currency = "USD", .electricity_per_kwh = 3.6e6, .machine_per_hour = 3600},
       .power = {.idle_watts = 1, .active_watts = 2}});
  LedgerEntry entry = MakeEntry(1);
  auto share = books.Begin();
  ASSERT_TRUE(books.Close(share, entry));
  EXPECT_EQ(entry.line.currency, "USD");
  EXPECT_NEAR(entry.line.cost.value(), entry.line.joules.value() + entry.line.machine_ms / 1000,
              1e-9);
  EXPECT_EQ(Open().Latest(1).value()[0].line.id, entry.line.id);
}

TEST_F(LedgerTest, BooksCountNoTokenOfAnAnswerThatIsNone) {
  Books books({.ledger = {.file = File()}});
  LedgerEntry entry = MakeEntry(5);
  entry.line.valid = false;
  auto share = books.Begin();
  ASSERT_TRUE(books.Close(share, entry));
  EXPECT_EQ(entry.line.useful_tokens, 0);
  EXPECT_EQ(Open().Latest(1).value()[0].line.useful_tokens, 0);
}

TEST_F(LedgerTest, BooksLeaveTheBillOfAnotherMachine) {
  Books books({.ledger = {.file = File()}, .prices = {.machine_per_hour = 3600}});
  LedgerEntry entry = Paid(MakeEntry(1), 0.25, "USD");
  ASSERT_TRUE(books.Record(entry));
  EXPECT_FALSE(entry.line.id.empty());
  LedgerEntry unpriced = MakeEntry(1);
  ASSERT_TRUE(books.Record(unpriced));
  const std::vector<LedgerEntry> rows = Open().Latest(2).value();
  EXPECT_EQ(rows[1].line.cost, 0.25);
  EXPECT_EQ(rows[1].line.currency, "USD");
  EXPECT_FALSE(rows[0].line.cost);
}

TEST_F(LedgerTest, BooksTryAgainWhatCouldNotBeOpened) {
  fs::create_directories(File());
  Books books({.ledger = {.file = File()}});
  LedgerEntry entry = MakeEntry(1);
  auto share = books.Begin();
  EXPECT_FALSE(books.Close(share, entry));
  EXPECT_EQ(entry.line.id, "");
  EXPECT_FALSE(entry.line.cost);
  fs::remove_all(File());
  auto next = books.Begin();
  EXPECT_TRUE(books.Close(next, entry));
}

}  // namespace
}  // namespace kinglet
