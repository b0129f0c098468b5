// SPDX-License-Identifier: Apache-2.0
// Meter first, then the price, then the row.
#include "ledger/books.h"

namespace kinglet {

Result<void> Books::OpenLedger() {
  if (ledger_) return {};
  ledger_ = std::make_unique<Ledger>(TRY(Ledger::Open(options_.ledger)));
  return {};
}

Result<void> Books::Close(MachineMeter::Share& share, LedgerEntry& entry) {
  share.End(entry.line);
  SetCost(options_.prices, entry.line);
  return Record(entry);
}

Result<void> Books::Record(LedgerEntry& entry) {
  if (!entry.line.Counts()) entry.line.useful_tokens = 0;
  const auto record = [&](Ledger& ledger) { return ledger.Record(entry); };
  Result<std::string> id = WithLedger(record);
  if (!id) return std::unexpected(id.error());
  entry.line.id = *std::move(id);
  return {};
}

}  // namespace kinglet
