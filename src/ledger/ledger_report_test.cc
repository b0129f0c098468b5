// SPDX-License-Identifier: Apache-2.0
// Spreadsheets compute nothing of a ledger's, pages run nothing of it.
#include "ledger/ledger_report.h"

#include <gmock/gmock.h>

namespace kinglet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

LedgerEntry MakeEntry() {
  LedgerEntry entry{.answered_at = 86'400, .kind = "ask", .mode = "cite", .model = "m"};
  entry.line.id = "0123";
  entry.line.joules = 2.5;
  entry.line.joules_source = "estimate";
  entry.line.currency = "EUR";
  return entry;
}

TEST(LedgerReport, CsvHasARowForEachEntry) {
  LedgerReport report{.entries = {MakeEntry()}};
  report.entries[0].question = "one, \"two\"\nthree";
  const std::string csv = ToCsv(report);
  EXPECT_THAT(csv, StartsWith("id,answered_at,kind,mode,intent,model,"));
  EXPECT_THAT(csv, HasSubstr("\r\n0123,1970-01-02T00:00:00Z,ask,cite,,m,"));
  EXPECT_THAT(csv, HasSubstr(",\"one, \"\"two\"\"\nthree\","));
  EXPECT_THAT(csv, HasSubstr(",estimate,"));
}

TEST(LedgerReport, CsvOfNothingHasAHead) {
  const std::string csv = ToCsv({});
  EXPECT_THAT(csv, StartsWith("id,"));
  EXPECT_EQ(csv.find("\r\n"), csv.size() - 2);
}

TEST(LedgerReport, CsvHoldsNoFormulas) {
  for (const std::string text : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"}) {
    LedgerReport report{.entries = {MakeEntry()}};
    report.entries[0].question = text;
    report.entries[0].model = text;
    const std::string csv = ToCsv(report);
    EXPECT_THAT(csv, Not(HasSubstr("," + text))) << text;
    EXPECT_THAT(csv, Not(HasSubstr(",\"" + text))) << text;
    EXPECT_THAT(csv, HasSubstr("'" + text)) << text;
  }
}

TEST(LedgerReport, CsvOfGroupsHasTheirTotals) {
  const LedgerReport report{
      .groups = {{LedgerGroup::kModel, {{.group = "=m", .answers = 3, .cost = 0.5}}}}};
  EXPECT_THAT(ToCsv(report), StartsWith("model,answers,"));
  EXPECT_THAT(ToCsv(report), HasSubstr("\r\n'=m,3,"));
}

TEST(LedgerReport, JsonHasGroupsWhereAskedFor) {
  LedgerReport report{.entries = {MakeEntry()}};
  EXPECT_FALSE(ToJson(report).contains("by"));
  EXPECT_EQ(ToJson(report).at("entries").at(0).at("ledger").at("joules"), 2.5);
  report.groups = {{LedgerGroup::kIntent, {{.answers = 2}}}};
  EXPECT_EQ(ToJson(report).at("by").at("intent").at(0).at("intent"), nullptr);
}

TEST(LedgerReport, ThePageRunsNothingAndFetchesNothing) {
  LedgerReport report{.entries = {MakeEntry()}};
  report.entries[0].question = "<script>alert(1)</script>";
  report.entries[0].model = "\"><img src=x>";
  report.groups = {{LedgerGroup::kModel, {{.group = "<b>", .answers = 1, .completion_tokens = 4}}}};
  const std::string page = ToHtml(report);
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(page, HasSubstr("~2.5"));
  for (const char* const foreign : {"<script", "<img", "<link", "http", "<b>", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(foreign)));
  }
}

TEST(LedgerReport, ShowsMoneyAndJoulesForPeople) {
  EXPECT_EQ(ShowCost(std::nullopt, "EUR"), "-");
  EXPECT_EQ(ShowCost(0.0000711, "EUR"), "0.0000711 EUR");
  EXPECT_EQ(ShowCost(0.5, "EUR"), "0.500 EUR");
  EXPECT_EQ(ShowCost(1234.5678, "EUR"), "1234.57 EUR");
  EXPECT_EQ(ShowCost(0, "EUR"), "0.00 EUR");
  EXPECT_EQ(ShowJoules(std::nullopt, true), "-");
  EXPECT_EQ(ShowJoules(1.25, false), "1.2");
  EXPECT_EQ(ShowJoules(1.25, true), "~1.2");
}

TEST(LedgerReport, TellsTheVerdictInAWord) {
  LedgerEntry entry = MakeEntry();
  EXPECT_EQ(VerdictOf(entry), "-");
  entry.line.valid = true;
  EXPECT_EQ(VerdictOf(entry), "valid");
  entry.line.kept = true;
  EXPECT_EQ(VerdictOf(entry), "kept");
  entry.line.in_budget = false;
  EXPECT_EQ(VerdictOf(entry), "late");
  entry.line.valid = false;
  EXPECT_EQ(VerdictOf(entry), "invalid");
  entry.line.delivered = false;
  EXPECT_EQ(VerdictOf(entry), "not delivered");
  entry.abstained = "missing";
  EXPECT_EQ(VerdictOf(entry), "missing");
  entry.thumb = true;
  EXPECT_EQ(VerdictOf(entry), "useful");
}

}  // namespace
}  // namespace kinglet
