// SPDX-License-Identifier: Apache-2.0
// What a ledger holds, for programs, for spreadsheets and for people.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "ledger/ledger.h"

namespace kinglet {

struct LedgerReport {
  std::vector<LedgerEntry> entries;  // the latest, newest first
  LedgerTotals totals;
  std::vector<std::pair<LedgerGroup, std::vector<LedgerTotals>>> groups;  // those asked for
};

Result<LedgerReport> MakeLedgerReport(Ledger& ledger, int limit,
                                      std::span<const LedgerGroup> groups);

// {"entries", "totals", "by": {"model": [...]}}; "by" where there are groups.
json::object ToJson(const LedgerReport& report);

// RFC 4180, a head line and a row for each entry, or, where there are groups, for each of the
// groups' totals. What a spreadsheet would take for a formula has an apostrophe before it.
std::string ToCsv(const LedgerReport& report);

// One page without scripts and without anything from elsewhere.
std::string ToHtml(const LedgerReport& report);

// In a word or two: "useful" by thumb, "missing", "kept", "invalid".
std::string VerdictOf(const LedgerEntry& entry);
// "-" where there is none, "~" before an estimate.
std::string ShowJoules(const std::optional<double>& joules, bool is_estimate);
std::string ShowCost(const std::optional<double>& cost, std::string_view currency);

}  // namespace kinglet
