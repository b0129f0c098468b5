// SPDX-License-Identifier: Apache-2.0
// The books of a program that answers: its meter, its prices and its ledger. An answer's account is
// opened when its work begins and closed when all but its last bytes are out.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "ledger/ledger.h"
#include "ledger/machine_meter.h"

namespace kinglet {

struct BooksOptions {
  LedgerOptions ledger;
  Prices prices;
  PowerModel power;
};

// From any thread.
class Books {
 public:
  explicit Books(BooksOptions options) : options_(std::move(options)), meter_(options_.power) {}

  const BooksOptions& options() const { return options_; }
  // Work for an answer begins. Dropped without Close where there is no answer.
  MachineMeter::Share Begin() { return meter_.Begin(); }
  // Puts the machine's share and its cost on the bill, takes its tokens' use away where a verdict
  // says no, writes the row and puts its id on the bill. An error says why there is no row; then
  // the bill is whole but for the id.
  Result<void> Close(MachineMeter::Share& share, LedgerEntry& entry);
  // The row of an answer whose bill is whole but for the id: another machine has made it.
  Result<void> Record(LedgerEntry& entry);

  // Runs `use` on the one connection. Opened by whoever comes first; after an error tried anew.
  template <typename Use>
  auto WithLedger(Use&& use) -> decltype(use(std::declval<Ledger&>())) {
    const std::scoped_lock lock(mutex_);
    if (const Result<void> opened = OpenLedger(); !opened) return std::unexpected(opened.error());
    return use(*ledger_);
  }

 private:
  Result<void> OpenLedger();  // with the lock

  const BooksOptions options_;
  MachineMeter meter_;
  std::mutex mutex_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace kinglet
