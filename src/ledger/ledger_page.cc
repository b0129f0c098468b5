// SPDX-License-Identifier: Apache-2.0
// The page: figures, days as bars, a table for each group, the latest answers. It is read on a
// phone, in the dark and on paper too.
#include <algorithm>
#include <iterator>

#include "base/clock.h"
#include "base/display.h"
#include "ledger/ledger_report.h"

namespace kinglet {
namespace {

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kinglet: the ledger</title>
<style>
:root { color-scheme: light dark; --line: #8884; --all: #8886; --useful: #2a7f62; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem;
  margin: 0; }
dl div { border-top: 2px solid var(--useful); padding-top: .25rem; }
dt { font-size: .85rem; } dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th { white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.text { text-align: left; white-space: normal; min-width: 14rem; overflow-wrap: anywhere; }
td.bar { width: 30%; min-width: 6rem; } svg { display: block; width: 100%; height: 14px; }
.all { fill: var(--all); } .useful { fill: var(--useful); }
@media print { body { max-width: none; padding: 0; font-size: 11px; } .wide { overflow: visible; }
  h2 { break-after: avoid; } tr { break-inside: avoid; }
  th, td { white-space: normal; padding: .15rem .3rem; } }
</style></head><body>
<h1>What was answered, what it cost, what was useful</h1>
)html";

constexpr std::size_t kMostRows = 31;  // of a group

using Out = std::back_insert_iterator<std::string>;

std::string JoulesOf(const LedgerTotals& totals) {
  return ShowJoules(totals.joules, totals.estimated_joules > 0);
}

std::string ShowShare(std::int64_t part, std::int64_t of) {
  if (of == 0) return std::to_string(part);
  return fmt::format("{} ({:.0f} %)", part,
                     100.0 * static_cast<double>(part) / static_cast<double>(of));
}

void AddFigure(Out out, std::string_view name, std::string_view value) {
  fmt::format_to(out, "<div><dt>{}</dt><dd>{}</dd></div>\n", name, EscapeForHtml(value));
}

void AddFigures(Out out, const LedgerTotals& totals) {
  fmt::format_to(out, "<dl>\n");
  AddFigure(out, "Answers", std::to_string(totals.answers));
  AddFigure(out, "Useful answers", ShowShare(totals.useful_answers, totals.answers));
  AddFigure(out, "Abstentions", ShowShare(totals.abstentions, totals.answers));
  AddFigure(out, "Tokens read", std::to_string(totals.prompt_tokens));
  AddFigure(out, "of them cached", ShowShare(totals.cached_tokens, totals.prompt_tokens));
  AddFigure(out, "Tokens generated", std::to_string(totals.completion_tokens));
  AddFigure(out, "of them useful", ShowShare(totals.useful_tokens, totals.completion_tokens));
  AddFigure(out, "Machine time", fmt::format("{:.1f} s", totals.machine_ms / 1000));
  AddFigure(out, "Joules", JoulesOf(totals));
  AddFigure(out, "Cost", ShowCost(totals.cost, totals.currency));
  AddFigure(out, "per useful token", ShowCost(totals.cost_per_useful_token, totals.currency));
  AddFigure(out, "per useful answer", ShowCost(totals.cost_per_useful_answer, totals.currency));
  fmt::format_to(out, "</dl>\n");
}

// Two bars, one over the other: what was generated, and what of it was useful.
void AddBar(Out out, const LedgerTotals& totals, std::int64_t most) {
  const auto percent = [&](std::int64_t tokens) {
    return 100.0 * static_cast<double>(tokens) /
           static_cast<double>(std::max<std::int64_t>(most, 1));
  };
  fmt::format_to(out,
                 "<td class=\"bar\"><svg role=\"img\" aria-label=\"{} of {} tokens useful\">"
                 "<rect class=\"all\" width=\"{:.2f}%\" height=\"14\"/>"
                 "<rect class=\"useful\" width=\"{:.2f}%\" height=\"14\"/></svg></td>",
                 totals.useful_tokens, totals.completion_tokens, percent(totals.completion_tokens),
                 percent(totals.useful_tokens));
}

void AddGroup(Out out, LedgerGroup group, const std::vector<LedgerTotals>& all) {
  fmt::format_to(
      out,
      "<h2>By {0}</h2>\n<div class=\"wide\"><table><thead><tr><th>{0}</th><th>answers</th>"
      "<th>useful</th><th colspan=\"2\">useful of generated tokens</th><th>joules</th>"
      "<th>cost</th><th>per useful token</th><th>per useful answer</th></tr></thead>"
      "<tbody>\n",
      Name(group));
  std::int64_t most = 0;
  const std::size_t shown = std::min(all.size(), kMostRows);
  for (std::size_t i = 0; i < shown; ++i) most = std::max(most, all[i].completion_tokens);
  for (std::size_t i = 0; i < shown; ++i) {
    const LedgerTotals& totals = all[i];
    fmt::format_to(out, "<tr><td>{}</td><td>{}</td><td>{}</td>",
                   totals.group.empty() ? "none" : EscapeForHtml(totals.group), totals.answers,
                   totals.useful_answers);
    AddBar(out, totals, most);
    fmt::format_to(out, "<td>{} of {}</td>", totals.useful_tokens, totals.completion_tokens);
    for (const std::string& text : {JoulesOf(totals), ShowCost(totals.cost, totals.currency),
                                    ShowCost(totals.cost_per_useful_token, totals.currency),
                                    ShowCost(totals.cost_per_useful_answer, totals.currency)}) {
      fmt::format_to(out, "<td>{}</td>", EscapeForHtml(text));
    }
    fmt::format_to(out, "</tr>\n");
  }
  fmt::format_to(out, "</tbody></table></div>\n");
  if (shown < all.size()) fmt::format_to(out, "<p>and {} more</p>\n", all.size() - shown);
}

void AddEntries(Out out, const std::vector<LedgerEntry>& entries) {
  const bool has_text = std::ranges::any_of(
      entries, [](const LedgerEntry& entry) { return entry.question.has_value(); });
  fmt::format_to(out,
                 "<h2>The latest answers</h2>\n<div class=\"wide\"><table><thead><tr><th>at</th>"
                 "<th>kind</th><th>mode</th><th>model</th><th>verdict</th><th>first byte ms</th>"
                 "<th>total ms</th><th>read</th><th>cached</th><th>generated</th><th>useful</th>"
                 "<th>joules</th><th>cost</th>{}</tr></thead><tbody>\n",
                 has_text ? "<th>question</th>" : "");
  for (const LedgerEntry& entry : entries) {
    const LedgerLine& line = entry.line;
    fmt::format_to(out,
                   "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.0f}</td>"
                   "<td>{:.0f}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
                   "<td>{}</td>",
                   Iso8601(entry.answered_at), EscapeForHtml(entry.kind), EscapeForHtml(entry.mode),
                   EscapeForHtml(entry.model), EscapeForHtml(VerdictOf(entry)), line.first_byte_ms,
                   line.total_ms, line.prompt_tokens, line.cached_tokens, line.completion_tokens,
                   line.useful_tokens, ShowJoules(line.joules, line.joules_source == "estimate"),
                   EscapeForHtml(ShowCost(line.cost, line.currency)));
    if (has_text) {
      fmt::format_to(out, "<td class=\"text\">{}</td>", EscapeForHtml(entry.question.value_or("")));
    }
    fmt::format_to(out, "</tr>\n");
  }
  fmt::format_to(out, "</tbody></table></div>\n");
}

}  // namespace

std::string ToHtml(const LedgerReport& report) {
  std::string page(kHead);
  const Out out = std::back_inserter(page);
  AddFigures(out, report.totals);
  for (const auto& [group, all] : report.groups) AddGroup(out, group, all);
  AddEntries(out, report.entries);
  page +=
      "<p>A tilde marks joules that are partly or wholly an estimate from how busy the processors "
      "were; days are of UTC.</p>\n</body></html>\n";
  return page;
}

}  // namespace kinglet
