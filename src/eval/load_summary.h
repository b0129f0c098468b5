// SPDX-License-Identifier: Apache-2.0
// What a run under load comes to: latencies, what was rejected or failed, and the share of all that
// was sent that came within the limits.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "eval/load_reply.h"

namespace kinglet {

struct LoadLimits {  // of an answer that is worth something
  double ttft_ms = std::numeric_limits<double>::infinity();
  double tpot_ms = std::numeric_limits<double>::infinity();
};
// "ttft_ms=500,tpot_ms=50", either alone too; kUsage.
Result<LoadLimits> ParseLoadLimits(std::string_view text);

// An answer of one token has no time per token, and cannot miss its limit.
bool IsWithin(const LoadRecord& record, const LoadLimits& limits);

// Nearest-rank percentiles; all 0 where there is nothing.
struct Spread {
  std::size_t count = 0;
  double p50 = 0, p90 = 0, p99 = 0, mean = 0, max = 0;
};
Spread SpreadOf(std::vector<double> values);

struct LoadSummary {
  std::size_t sent = 0;  // and that is the sum of the outcomes
  std::array<std::size_t, kLoadOutcomes> outcomes{};
  std::size_t within_limits = 0;
  double elapsed_s = 0;    // from the first one due to the last end
  Spread ttft, tpot, itl;  // of completed ones
  Spread late;             // the sender behind its schedule
  std::size_t peak_in_flight = 0;
  std::size_t short_answers = 0;  // completed ones of fewer tokens than asked for
  std::size_t prompt_tokens = 0, wanted_prompt_tokens = 0;  // of completed ones
  std::size_t cached_tokens = 0, answer_tokens = 0;         // of completed ones
  std::string first_complaint;  // of the first that did not complete and says why

  double share() const {
    return sent == 0 ? 0 : static_cast<double>(within_limits) / static_cast<double>(sent);
  }
  double goodput_per_s() const {
    return elapsed_s > 0 ? static_cast<double>(within_limits) / elapsed_s : 0;
  }
  std::size_t outcome(LoadOutcome which) const { return outcomes[static_cast<std::size_t>(which)]; }
};
LoadSummary Summarise(const std::vector<LoadRecord>& records, const LoadLimits& limits);

json::object ToJson(const LoadSummary& summary);
std::string ToText(const LoadSummary& summary);

}  // namespace kinglet
