// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a bill, and its JSON.
#include "ledger/ledger_line.h"

namespace kinglet {
namespace {

constexpr double kJoulesPerKwh = 3.6e6;
constexpr double kMsPerHour = 3.6e6;

}  // namespace

bool LedgerLine::Counts() const {
  return delivered && kept.value_or(true) && valid.value_or(true) && in_budget.value_or(true);
}

std::optional<double> LedgerLine::CostPerUsefulToken() const {
  if (!cost || useful_tokens == 0) return std::nullopt;
  return *cost / useful_tokens;
}

void LedgerLine::AddStep(const LedgerLine& step) {
  prompt_tokens += step.prompt_tokens;
  cached_tokens += step.cached_tokens;
  completion_tokens += step.completion_tokens;
  queue_ms += step.queue_ms;
  retrieval_ms += step.retrieval_ms;
  prefill_ms += step.prefill_ms;
  decode_ms += step.decode_ms;
}

json::object ToJson(const LedgerLine& line) {
  return {{"id", line.id.empty() ? json::value() : json::value(line.id)},
          {"prompt_tokens", line.prompt_tokens},
          {"cached_tokens", line.cached_tokens},
          {"completion_tokens", line.completion_tokens},
          {"useful_tokens", line.useful_tokens},
          {"first_byte_ms", line.first_byte_ms},
          {"total_ms", line.total_ms},
          {"queue_ms", line.queue_ms},
          {"retrieval_ms", line.retrieval_ms},
          {"prefill_ms", line.prefill_ms},
          {"decode_ms", line.decode_ms},
          {"machine_ms", line.machine_ms},
          {"joules", OrNull(line.joules)},
          {"joules_source", OrNull(line.joules_source)},
          {"cost", OrNull(line.cost)},
          {"currency", line.currency},
          {"cost_per_useful_token", OrNull(line.CostPerUsefulToken())},
          {"kept", OrNull(line.kept)},
          {"valid", OrNull(line.valid)},
          {"in_budget", OrNull(line.in_budget)},
          {"delivered", line.delivered}};
}

void SetCost(const Prices& prices, LedgerLine& line) {
  line.currency = prices.currency;
  line.cost.reset();
  if (const auto& price = prices.electricity_per_kwh; price && line.joules) {
    line.cost = *line.joules / kJoulesPerKwh * *price;
  }
  if (const auto& price = prices.machine_per_hour) {
    line.cost = line.cost.value_or(0) + line.machine_ms / kMsPerHour * *price;
  }
}

}  // namespace kinglet
