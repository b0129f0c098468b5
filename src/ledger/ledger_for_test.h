// SPDX-License-Identifier: Apache-2.0
// A ledger in a folder of its own, and rows for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/file.h"
#include "ledger/ledger.h"

namespace kinglet {

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() : folder_(std::filesystem::path(testing::TempDir()) / "kinglet_ledger_test") {
    std::filesystem::remove_all(folder_);
  }
  ~LedgerTest() override { std::filesystem::remove_all(folder_); }

  Ledger Open(bool keep_text = false, std::optional<int> keep_days = {}) const {
    return Ledger::Open({.file = File(), .keep_text = keep_text, .keep_days = keep_days}).value();
  }
  std::filesystem::path File() const { return folder_ / "deep" / "ledger.sqlite"; }

  // All that the file and its log hold.
  std::string BytesOnDisk() const {
    std::string bytes;
    for (const auto& file : std::filesystem::directory_iterator(File().parent_path())) {
      if (!file.path().string().ends_with("-shm")) bytes += ReadFile(file.path(), 1 << 26).value();
    }
    return bytes;
  }

  std::filesystem::path folder_;
};

inline LedgerEntry MakeEntry(int useful_tokens, std::int64_t answered_at = 1000) {
  LedgerEntry entry{.answered_at = answered_at, .kind = "run", .mode = "text", .model = "m"};
  entry.line.prompt_tokens = 100;
  entry.line.cached_tokens = 40;
  entry.line.completion_tokens = 20;
  entry.line.useful_tokens = useful_tokens;
  entry.line.total_ms = 50;
  entry.line.machine_ms = 25;
  entry.line.currency = "EUR";
  return entry;
}

inline LedgerEntry Paid(LedgerEntry entry, double cost, std::string currency = "EUR") {
  entry.line.cost = cost;
  entry.line.currency = std::move(currency);
  return entry;
}

}  // namespace kinglet
