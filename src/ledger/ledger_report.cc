// SPDX-License-Identifier: Apache-2.0
// JSON first; a row of CSV is its object laid flat.
#include "ledger/ledger_report.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace kinglet {
namespace {

json::object RowOf(const LedgerEntry& entry) {
  json::object line = ToJson(entry.line);
  json::object row = {{"id", line.at("id")}};
  line.erase("id");
  row["answered_at"] = Iso8601(entry.answered_at);
  row["kind"] = entry.kind;
  row["mode"] = entry.mode;
  row["intent"] = OrNull(entry.intent);
  row["model"] = OrNull(entry.model);
  row["model_digest"] = OrNull(entry.model_digest);
  row["first_model"] = OrNull(entry.first_model);
  row["confidence"] = OrNull(entry.confidence);
  row["abstained"] = OrNull(entry.abstained);
  row["ledger"] = std::move(line);
  row["feedback"] = json::object{{"useful", OrNull(entry.thumb)},
                                 {"corrected_intent", OrNull(entry.corrected_intent)},
                                 {"comment", OrNull(entry.comment)}};
  row["question"] = OrNull(entry.question);
  row["answer"] = OrNull(entry.answer);
  return row;
}

json::object RowOf(const LedgerTotals& totals) {
  return {{"answers", totals.answers},
          {"useful_answers", totals.useful_answers},
          {"abstentions", totals.abstentions},
          {"prompt_tokens", totals.prompt_tokens},
          {"cached_tokens", totals.cached_tokens},
          {"completion_tokens", totals.completion_tokens},
          {"useful_tokens", totals.useful_tokens},
          {"total_ms", totals.total_ms},
          {"machine_ms", totals.machine_ms},
          {"joules", OrNull(totals.joules)},
          {"estimated_joules", totals.estimated_joules},
          {"cost", OrNull(totals.cost)},
          {"currency", OrNull(totals.currency)},
          {"cost_per_useful_token", OrNull(totals.cost_per_useful_token)},
          {"cost_per_useful_answer", OrNull(totals.cost_per_useful_answer)}};
}

json::object RowOf(LedgerGroup group, const LedgerTotals& totals) {
  json::object row = {{Name(group), OrNull(totals.group)}};
  for (const auto& member : RowOf(totals)) row.insert(member);
  return row;
}

// OWASP, "CSV Injection": a cell that begins like this may be computed by who opens it.
bool IsFormula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r\n").contains(text.front());
}

std::string ToCell(const json::value& value) {
  if (value.is_null()) return {};
  if (!value.is_string()) return ToJson(value);
  std::string text(value.get_string());
  if (IsFormula(text)) text.insert(0, 1, '\'');
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

// Members of members stand in a row with the others.
json::object LaidFlat(const json::object& object) {
  json::object flat;
  for (const auto& [name, value] : object) {
    if (!value.is_object()) {
      flat[name] = value;
      continue;
    }
    for (const auto& member : value.get_object()) flat.insert(member);
  }
  return flat;
}

void AddRow(const json::object& object, std::string& csv) {
  const json::object row = LaidFlat(object);
  const auto add = [&](const auto& text_of) {
    bool is_first = true;
    for (const auto& member : row) {
      if (!std::exchange(is_first, false)) csv += ',';
      csv += text_of(member);
    }
    csv += "\r\n";
  };
  if (csv.empty()) add([](const auto& member) { return std::string(member.key()); });
  add([](const auto& member) { return ToCell(member.value()); });
}

}  // namespace

Result<LedgerReport> MakeLedgerReport(Ledger& ledger, int limit,
                                      std::span<const LedgerGroup> groups) {
  LedgerReport report{.entries = TRY(ledger.Latest(limit)), .totals = TRY(ledger.Totals())};
  for (const LedgerGroup group : groups) {
    report.groups.emplace_back(group, TRY(ledger.TotalsBy(group)));
  }
  return report;
}

json::object ToJson(const LedgerReport& report) {
  json::array entries;
  for (const LedgerEntry& entry : report.entries) entries.push_back(RowOf(entry));
  json::object object = {{"entries", std::move(entries)}, {"totals", RowOf(report.totals)}};
  if (report.groups.empty()) return object;
  json::object by;
  for (const auto& [group, all] : report.groups) {
    json::array rows;
    for (const LedgerTotals& totals : all) rows.push_back(RowOf(group, totals));
    by[Name(group)] = std::move(rows);
  }
  object["by"] = std::move(by);
  return object;
}

std::string ToCsv(const LedgerReport& report) {
  std::string csv;
  for (const auto& [group, all] : report.groups) {
    std::string rows;
    for (const LedgerTotals& totals : all) AddRow(RowOf(group, totals), rows);
    csv += rows;
  }
  if (!report.groups.empty()) return csv;
  // The head of an empty ledger is there too.
  AddRow(RowOf(LedgerEntry{}), csv);
  csv.resize(csv.find('\n') + 1);
  for (const LedgerEntry& entry : report.entries) AddRow(RowOf(entry), csv);
  return csv;
}

std::string VerdictOf(const LedgerEntry& entry) {
  const LedgerLine& line = entry.line;
  if (entry.thumb) return *entry.thumb ? "useful" : "not useful";
  if (entry.abstained) return *entry.abstained;
  if (!line.delivered) return "not delivered";
  if (!line.valid.value_or(true)) return "invalid";
  if (!line.in_budget.value_or(true)) return "late";
  if (line.kept) return *line.kept ? "kept" : "not kept";
  return line.valid ? "valid" : "-";
}

std::string ShowJoules(const std::optional<double>& joules, bool is_estimate) {
  if (!joules) return "-";
  return fmt::format("{}{:.1f}", is_estimate ? "~" : "", *joules);
}

std::string ShowCost(const std::optional<double>& cost, std::string_view currency) {
  if (!cost) return "-";
  // Three digits that say something, without an exponent: 0.0000711.
  const int digits = *cost > 0 ? static_cast<int>(std::floor(std::log10(*cost))) : 0;
  const int decimals = std::clamp(2 - digits, 2, 15);
  return fmt::format("{:.{}f} {}", *cost, decimals, currency);
}

}  // namespace kinglet
