// SPDX-License-Identifier: Apache-2.0
// One answer's bill, as plain data: what it took, what that cost, and which verdicts it got.
// docs/ledger.md defines each figure.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"

namespace kinglet {

// Times in milliseconds; those of a phase are of the model's work and may overlap.
struct LedgerLine {
  std::string id;  // of the answer's row; empty: it has none
  int prompt_tokens = 0;
  int cached_tokens = 0;      // of prompt_tokens, not computed again
  int completion_tokens = 0;  // generated
  int useful_tokens = 0;      // of completion_tokens; see Counts
  double first_byte_ms = 0;   // to the first byte of answer text or of a checked quote, or to the
                              // abstention
  double total_ms = 0;
  double queue_ms = 0;
  double retrieval_ms = 0;
  double prefill_ms = 0;
  double decode_ms = 0;
  double machine_ms = 0;  // of total_ms, the answer's even share beside others computed meanwhile
  std::optional<double> joules;
  std::optional<std::string> joules_source;  // "rapl", "estimate"
  std::optional<double> cost;                // in currency; unset until prices are set
  std::string currency;

  // The verdicts. Unset: nobody judged, or nothing was asked.
  std::optional<bool> kept;       // by the checker: a quote carries something of it
  std::optional<bool> valid;      // whole, and by the schema, grammar or tools asked for
  std::optional<bool> in_budget;  // the first byte came within the budget asked for
  bool delivered = true;          // the client was there to the end

  // False where a verdict says no: then none of its tokens are useful.
  bool Counts() const;
  std::optional<double> CostPerUsefulToken() const;
  // Puts on it what a step took that led to this one: tokens, and the times of phases. When the
  // answer came, and what it is worth, stay as they are.
  void AddStep(const LedgerLine& step);
};

json::object ToJson(const LedgerLine& line);

// What a machine's time and its energy cost; no price set, no cost.
struct Prices {
  std::string currency = "EUR";
  std::optional<double> electricity_per_kwh;
  std::optional<double> machine_per_hour;
};

// Of machine_ms and joules.
void SetCost(const Prices& prices, LedgerLine& line);

}  // namespace kinglet
