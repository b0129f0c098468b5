// SPDX-License-Identifier: Apache-2.0
// kinglet ledger: what was answered, what it cost, what of it was useful; and what is to be
// forgotten.
#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/number_range.h"
#include "cli/text_table.h"
#include "ledger/ledger_report.h"

namespace kinglet {
namespace {

constexpr int kAllAnswers = 1'000'000;

struct LedgerFlags {
  std::optional<int> limit;
  std::string by;
  bool as_json = false, as_csv = false, as_html = false;
  std::string id, before;  // of what is to be forgotten
};

std::string Shorten(const std::string& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  return std::string(Utf8Beginning(text, max_bytes - 3)) + "...";
}

void PrintEntries(const std::vector<LedgerEntry>& entries) {
  const bool has_text = std::ranges::any_of(
      entries, [](const LedgerEntry& entry) { return entry.question.has_value(); });
  std::vector<std::vector<std::string>> rows = {
      {"id", "at", "kind", "mode", "verdict", "first ms", "total ms", "prompt", "cached", "made",
       "useful", "joules", "cost", "model", has_text ? "question" : ""}};
  for (const LedgerEntry& entry : entries) {
    const LedgerLine& line = entry.line;
    rows.push_back({line.id, Iso8601(entry.answered_at), entry.kind, entry.mode, VerdictOf(entry),
                    fmt::format("{:.0f}", line.first_byte_ms), fmt::format("{:.0f}", line.total_ms),
                    std::to_string(line.prompt_tokens), std::to_string(line.cached_tokens),
                    std::to_string(line.completion_tokens), std::to_string(line.useful_tokens),
                    ShowJoules(line.joules, line.joules_source == "estimate"),
                    EscapeForDisplay(ShowCost(line.cost, line.currency)),
                    entry.model.empty() ? "-" : EscapeForDisplay(entry.model),
                    EscapeForDisplay(Shorten(entry.question.value_or(""), 60))});
  }
  fmt::print("{}", TextTable(rows, "<<<<<>>>>>>>><<"));
}

void PrintTotals(std::string_view head, const std::vector<LedgerTotals>& all) {
  std::vector<std::vector<std::string>> rows = {
      {std::string(head), "answers", "useful", "abstained", "prompt", "cached", "made", "useful",
       "machine s", "joules", "cost", "per useful token", "per useful answer"}};
  for (const LedgerTotals& totals : all) {
    const auto cost = [&](const std::optional<double>& value) {
      return EscapeForDisplay(ShowCost(value, totals.currency));
    };
    rows.push_back({totals.group.empty() ? "-" : EscapeForDisplay(Shorten(totals.group, 32)),
                    std::to_string(totals.answers), std::to_string(totals.useful_answers),
                    std::to_string(totals.abstentions), std::to_string(totals.prompt_tokens),
                    std::to_string(totals.cached_tokens), std::to_string(totals.completion_tokens),
                    std::to_string(totals.useful_tokens),
                    fmt::format("{:.1f}", totals.machine_ms / 1000),
                    ShowJoules(totals.joules, totals.estimated_joules > 0), cost(totals.cost),
                    cost(totals.cost_per_useful_token), cost(totals.cost_per_useful_answer)});
  }
  fmt::print("{}", TextTable(rows, "<>>>>>>>>>>>>"));
}

void PrintReport(const LedgerReport& report) {
  if (!report.groups.empty()) {
    const auto& [group, all] = report.groups.front();
    return PrintTotals(Name(group), all);
  }
  PrintEntries(report.entries);
  LedgerTotals totals = report.totals;
  totals.group = "all";
  fmt::print("\n");
  PrintTotals("", {totals});
}

Result<void> ShowLedger(const LedgerFlags& flags, const LedgerOptions& options) {
  Ledger ledger = TRY(Ledger::Open(options));
  std::span<const LedgerGroup> groups;
  if (const LedgerGroup* const group = FindLedgerGroup(flags.by); group != nullptr) {
    groups = {group, 1};
  } else if (flags.as_html) {
    groups = kLedgerGroups;
  }
  const LedgerReport report =
      TRY(MakeLedgerReport(ledger, flags.limit.value_or(flags.as_csv ? kAllAnswers : 20), groups));
  if (flags.as_json) {
    fmt::print("{}\n", ToJson(json::value(ToJson(report))));
  } else if (flags.as_csv) {
    fmt::print("{}", ToCsv(report));
  } else if (flags.as_html) {
    fmt::print("{}", ToHtml(report));
  } else {
    PrintReport(report);
  }
  return {};
}

// A day, or a moment of it.
Result<std::int64_t> ReadDate(const std::string& text) {
  const bool is_day = text.find('T') == std::string::npos;
  const auto seconds = ParseIso8601(is_day ? text + "T00:00:00Z" : text);
  if (seconds) return *seconds;
  return Error(StatusCode::kUsage, "{} is neither a day as 2026-01-31 nor a moment as {}",
               Quoted(text), "2026-01-31T12:00:00Z");
}

Result<void> Forget(const LedgerFlags& flags, const LedgerOptions& options) {
  if (flags.id.empty() == flags.before.empty()) {
    return Error(StatusCode::kUsage, "ledger forget: name an ID, or a date with --before");
  }
  std::int64_t before = 0;
  if (!flags.before.empty()) before = TRY(ReadDate(flags.before));
  Ledger ledger = TRY(Ledger::Open(options));
  const std::int64_t removed =
      flags.id.empty() ? TRY(ledger.ForgetBefore(before)) : TRY(ledger.Forget(flags.id));
  if (removed == 0 && !flags.id.empty()) {
    return Error(StatusCode::kNotFound, "the ledger has no answer {}", Quoted(flags.id));
  }
  fmt::print("{} forgotten\n", removed);
  return {};
}

}  // namespace

CommandRun SetUpLedger(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<LedgerFlags>();
  app.add_option("-n,--limit", flags->limit,
                 "how many answers to list, newest first; without it 20, and with --csv all")
      ->check(WholeFrom(1, kAllAnswers));
  app.add_option("--by", flags->by, "totals instead: by day (UTC), mode, model or intent")
      ->check(CLI::IsMember({"day", "mode", "model", "intent"}));
  CLI::Option* const json_flag = app.add_flag("--json", flags->as_json, "print one JSON object");
  CLI::Option* const csv_flag =
      app.add_flag("--csv", flags->as_csv, "print a table for spreadsheets")->excludes(json_flag);
  app.add_flag("--html", flags->as_html, "print a page for browsers, phones and paper")
      ->excludes(json_flag)
      ->excludes(csv_flag);
  CLI::App* const forget =
      app.add_subcommand("forget", "removes an answer, or all before a date, off the disk too");
  forget->add_option("ID", flags->id, "of the answer");
  forget->add_option("--before", flags->before, "a day (UTC) as 2026-01-31, or a moment of one");
  const CommandRun learn = SetUpLedgerCascade(app, environment);
  return [&app, flags, forget, learn, options = environment.BooksKept().ledger] {
    if (app.got_subcommand("cascade")) return learn();
    return forget->parsed() ? Forget(*flags, options) : ShowLedger(*flags, options);
  };
}

}  // namespace kinglet
