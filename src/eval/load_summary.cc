// SPDX-License-Identifier: Apache-2.0
// Arithmetic, and its two ways out: JSON and a table.
#include "eval/load_summary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/display.h"

namespace kinglet {
namespace {

json::object ToJson(const Spread& spread) {
  return {{"p50", spread.p50},
          {"p90", spread.p90},
          {"p99", spread.p99},
          {"mean", spread.mean},
          {"max", spread.max}};
}

// How many requests were open at once, at most.
std::size_t PeakInFlight(const std::vector<LoadRecord>& records) {
  std::vector<std::pair<double, int>> changes;
  for (const LoadRecord& record : records) {
    changes.emplace_back(record.started_ms, +1);
    changes.emplace_back(record.end_ms, -1);
  }
  std::ranges::sort(changes);
  int open = 0;
  int most = 0;
  for (const auto& [time, change] : changes) most = std::max(most, open += change);
  return static_cast<std::size_t>(most);
}

}  // namespace

Result<LoadLimits> ParseLoadLimits(std::string_view text) {
  LoadLimits limits;
  const std::string given(text);
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    double LoadLimits::* which = nullptr;
    if (part.starts_with("ttft_ms=")) which = &LoadLimits::ttft_ms;
    if (part.starts_with("tpot_ms=")) which = &LoadLimits::tpot_ms;
    part.remove_prefix(std::min<std::size_t>(part.size(), 8));
    double value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (which == nullptr || error != std::errc() || end != part.data() + part.size() ||
        !(value > 0)) {
      return Error(StatusCode::kUsage, "--slo {}: must be like ttft_ms=1000,tpot_ms=100",
                   Quoted(given));
    }
    limits.*which = value;
  }
  return limits;
}

bool IsWithin(const LoadRecord& record, const LoadLimits& limits) {
  return record.outcome == LoadOutcome::kCompleted && record.ttft_ms() <= limits.ttft_ms &&
         record.tpot_ms() <= limits.tpot_ms;
}

Spread SpreadOf(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  const auto rank = [&](double share) {
    return values[static_cast<std::size_t>(std::max(1.0, std::ceil(share * count))) - 1];
  };
  return {.count = values.size(),
          .p50 = rank(0.50),
          .p90 = rank(0.90),
          .p99 = rank(0.99),
          .mean = std::accumulate(values.begin(), values.end(), 0.0) / count,
          .max = values.back()};
}

LoadSummary Summarise(const std::vector<LoadRecord>& records, const LoadLimits& limits) {
  LoadSummary summary{.sent = records.size()};
  if (records.empty()) return summary;
  std::vector<double> ttft, tpot, itl, late;
  double first_due = records.front().due_ms;
  double last_end = 0;
  for (const LoadRecord& record : records) {
    ++summary.outcomes[static_cast<std::size_t>(record.outcome)];
    summary.within_limits += IsWithin(record, limits);
    first_due = std::min(first_due, record.due_ms);
    last_end = std::max(last_end, record.end_ms);
    late.push_back(record.started_ms - record.due_ms);
    if (record.outcome != LoadOutcome::kCompleted) {
      if (summary.first_complaint.empty()) summary.first_complaint = record.complaint;
      continue;
    }
    ttft.push_back(record.ttft_ms());
    if (record.tokens() > 1) tpot.push_back(record.tpot_ms());
    itl.insert(itl.end(), record.gaps_ms.begin(), record.gaps_ms.end());
    summary.short_answers += record.tokens() < record.wanted_answer_tokens;
    summary.prompt_tokens += record.prompt_tokens;
    summary.wanted_prompt_tokens += record.wanted_prompt_tokens;
    summary.cached_tokens += record.cached_tokens;
    summary.answer_tokens += record.tokens();
  }
  summary.elapsed_s = (last_end - first_due) / 1000;
  summary.ttft = SpreadOf(std::move(ttft));
  summary.tpot = SpreadOf(std::move(tpot));
  summary.itl = SpreadOf(std::move(itl));
  summary.late = SpreadOf(std::move(late));
  summary.peak_in_flight = PeakInFlight(records);
  return summary;
}

json::object ToJson(const LoadSummary& summary) {
  json::object failed;
  for (std::size_t i = 0; i < kLoadOutcomes; ++i) {
    const auto outcome = static_cast<LoadOutcome>(i);
    if (outcome == LoadOutcome::kCompleted || outcome == LoadOutcome::kRejected) continue;
    failed[Name(outcome)] = summary.outcomes[i];
  }
  return {{"sent", summary.sent},
          {"completed", summary.outcome(LoadOutcome::kCompleted)},
          {"within_slo", summary.within_limits},
          {"rejected", summary.outcome(LoadOutcome::kRejected)},
          {"failed", std::move(failed)},
          {"goodput_share", summary.share()},
          {"goodput_per_s", summary.goodput_per_s()},
          {"elapsed_s", summary.elapsed_s},
          {"ttft_ms", ToJson(summary.ttft)},
          {"tpot_ms", ToJson(summary.tpot)},
          {"itl_ms", ToJson(summary.itl)},
          {"sender_late_ms", ToJson(summary.late)},
          {"peak_in_flight", summary.peak_in_flight},
          {"short_answers", summary.short_answers},
          {"prompt_tokens", summary.prompt_tokens},
          {"wanted_prompt_tokens", summary.wanted_prompt_tokens},
          {"cached_tokens", summary.cached_tokens},
          {"answer_tokens", summary.answer_tokens},
          {"first_error",
           summary.first_complaint.empty() ? json::value() : json::value(summary.first_complaint)}};
}

std::string ToText(const LoadSummary& summary) {
  std::string text = fmt::format("{} sent, {} completed, {} rejected", summary.sent,
                                 summary.outcome(LoadOutcome::kCompleted),
                                 summary.outcome(LoadOutcome::kRejected));
  for (std::size_t i = 0; i < kLoadOutcomes; ++i) {
    const auto outcome = static_cast<LoadOutcome>(i);
    if (outcome == LoadOutcome::kCompleted || outcome == LoadOutcome::kRejected) continue;
    if (summary.outcomes[i] > 0) text += fmt::format(", {} {}", summary.outcomes[i], Name(outcome));
  }
  text += fmt::format(
      "; at most {} open at once\n{} within the limits: {:.1f} % of all sent, "
      "{:.2f} a second over {:.1f} s\n",
      summary.peak_in_flight, summary.within_limits, summary.share() * 100, summary.goodput_per_s(),
      summary.elapsed_s);
  text += fmt::format("{} prompt tokens ({} wanted), {} of them cached; {} answer tokens",
                      summary.prompt_tokens, summary.wanted_prompt_tokens, summary.cached_tokens,
                      summary.answer_tokens);
  if (summary.short_answers > 0) text += fmt::format("; {} answers short", summary.short_answers);
  text += fmt::format("\n{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "ms", "p50", "p90", "p99", "mean",
                      "max");
  for (const auto& [name, spread] : {std::pair("TTFT", &summary.ttft),
                                     {"TPOT", &summary.tpot},
                                     {"ITL", &summary.itl},
                                     {"sender late", &summary.late}}) {
    text += fmt::format("{:<14}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}\n", name, spread->p50,
                        spread->p90, spread->p99, spread->mean, spread->max);
  }
  if (!summary.first_complaint.empty()) {
    text += fmt::format("first error: {}\n", EscapeForDisplay(summary.first_complaint));
  }
  return text;
}

}  // namespace kinglet
