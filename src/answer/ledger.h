// SPDX-License-Identifier: Apache-2.0
// The ledger: a line for each question asked, kept in an SQLite file of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "answer/answer.h"
#include "base/sqlite.h"
#include "base/status.h"

namespace kinglet {

struct LedgerEntry {
  std::int64_t unix_seconds = 0;
  std::string question;
  std::string mode;
  std::string model;                     // empty where none was asked
  std::optional<std::string> abstained;  // reason
  LedgerLine line;
};

// Sums over the whole ledger.
struct LedgerTotals {
  std::int64_t questions = 0;
  std::int64_t abstentions = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t useful_tokens = 0;
  double total_ms = 0;
  std::optional<double> joules;  // of the entries that have them
  std::optional<double> cost;
};

class Ledger {
 public:
  // Opens or creates the file and its folder.
  static Result<Ledger> Open(const std::filesystem::path& file);

  Result<void> Record(const Answer& answer, std::int64_t unix_seconds);
  // The latest entries, newest first.
  Result<std::vector<LedgerEntry>> Latest(int limit);
  Result<LedgerTotals> Totals();

 private:
  explicit Ledger(Database database) : database_(std::move(database)) {}

  Database database_;
};

json::object ToJson(const LedgerEntry& entry);
json::object ToJson(const LedgerTotals& totals);

}  // namespace kinglet
