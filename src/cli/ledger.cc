// SPDX-License-Identifier: Apache-2.0
// kinglet ledger: what was asked, what it cost, what of it was useful.
#include "answer/ledger.h"

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "cli/commands.h"

namespace kinglet {
namespace {

struct LedgerFlags {
  int limit = 20;
  bool as_json = false;
};

std::string Shorten(const std::string& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes - 3;
  // Not inside a UTF-8 character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

std::string OrDash(const std::optional<double>& value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

void PrintTable(const std::vector<LedgerEntry>& entries, const LedgerTotals& totals) {
  fmt::print("{:<20}  {:>8}  {:>8}  {:>6}  {:>6}  {:>6}  {:>6}  {:>8}  {:>10}  {}\n", "asked at",
             "first ms", "total ms", "prompt", "cached", "made", "useful", "joules", "cost",
             "question");
  for (const LedgerEntry& entry : entries) {
    const LedgerLine& line = entry.line;
    fmt::print("{:<20}  {:>8.0f}  {:>8.0f}  {:>6}  {:>6}  {:>6}  {:>6}  {:>8}  {:>10}  {}{}\n",
               Iso8601(entry.unix_seconds), line.first_byte_ms, line.total_ms, line.prompt_tokens,
               line.cached_tokens, line.completion_tokens, line.useful_tokens,
               OrDash(line.joules, "{:.1f}"), OrDash(line.cost, "{:.6f}"),
               EscapeForDisplay(Shorten(entry.question, 60)),
               entry.abstained ? " (" + *entry.abstained + ")" : "");
  }
  fmt::print(
      "{:<20}  {:>8}  {:>8.0f}  {:>6}  {:>6}  {:>6}  {:>6}  {:>8}  {:>10}  {} questions, {} "
      "abstentions\n",
      "all", "", totals.total_ms, totals.prompt_tokens, totals.cached_tokens,
      totals.completion_tokens, totals.useful_tokens, OrDash(totals.joules, "{:.1f}"),
      OrDash(totals.cost, "{:.6f}"), totals.questions, totals.abstentions);
}

Result<void> ShowLedger(const LedgerFlags& flags, const std::filesystem::path& file) {
  Ledger ledger = TRY(Ledger::Open(file));
  const std::vector<LedgerEntry> entries = TRY(ledger.Latest(flags.limit));
  const LedgerTotals totals = TRY(ledger.Totals());
  if (!flags.as_json) {
    PrintTable(entries, totals);
    return {};
  }
  json::array rows;
  for (const LedgerEntry& entry : entries) rows.push_back(ToJson(entry));
  fmt::print("{}\n",
             ToJson(json::object{{"entries", std::move(rows)}, {"totals", ToJson(totals)}}));
  return {};
}

}  // namespace

CommandRun SetUpLedger(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<LedgerFlags>();
  app.add_option("-n,--limit", flags->limit, "how many questions to list, newest first")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--json", flags->as_json, "print one JSON object");
  return [flags, file = environment.LedgerFile()] { return ShowLedger(*flags, file); };
}

}  // namespace kinglet
