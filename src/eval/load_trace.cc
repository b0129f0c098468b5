// SPDX-License-Identifier: Apache-2.0
// Two formats, told apart by the first byte.
#include "eval/load_trace.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/json.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxRows = 1'000'000;
constexpr std::size_t kMaxTokens = 10'000'000;
constexpr std::size_t kMaxBlocks = 100'000;
constexpr double kMaxArrivalMs = 1e15;

// Takes a whole number off the front; nothing where there is none that is small enough.
std::optional<std::size_t> TakeNumber(std::string_view& text, std::size_t most) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// "2023-11-16 18:17:03.9799600", a zone of +00:00 behind it or not: milliseconds since 1970.
std::optional<double> TakeTime(std::string_view& text) {
  std::size_t parts[6] = {};
  const char separators[] = {'-', '-', ' ', ':', ':'};
  for (std::size_t i = 0; i < 6; ++i) {
    if (i > 0 && !Take(text, separators[i - 1])) return std::nullopt;
    const auto part = TakeNumber(text, 9999);
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(parts[0])),
                                         std::chrono::month(static_cast<unsigned>(parts[1])),
                                         std::chrono::day(static_cast<unsigned>(parts[2])));
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  double fraction = 0;
  if (Take(text, '.')) {
    for (double unit = 0.1; !text.empty() && text[0] >= '0' && text[0] <= '9'; unit /= 10) {
      fraction += unit * (text[0] - '0');
      text.remove_prefix(1);
    }
  }
  if (text.starts_with("+00:00")) text.remove_prefix(6);
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  const double seconds = static_cast<double>(parts[3] * 3600 + parts[4] * 60 + parts[5]);
  return (static_cast<double>(days) * 86400 + seconds + fraction) * 1000;
}

std::optional<TraceRow> ParseCsvLine(std::string_view line) {
  const auto time = TakeTime(line);
  if (!time || !Take(line, ',')) return std::nullopt;
  const auto prompt = TakeNumber(line, kMaxTokens);
  if (!prompt || !Take(line, ',')) return std::nullopt;
  const auto answer = TakeNumber(line, kMaxTokens);
  if (!answer || !line.empty()) return std::nullopt;
  return TraceRow{
      .arrival_ms = *time, .prompt_tokens = *prompt, .answer_tokens = *answer, .blocks = {}};
}

std::optional<double> NumberOf(const json::value& object, std::string_view key, double most) {
  const json::value* const value = Find(object, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double number = value->to_number<double>();
  if (!(number >= 0 && number <= most)) return std::nullopt;
  return number;
}

std::optional<TraceRow> ParseJsonLine(std::string_view line) {
  const auto value = ParseJson(line, {.max_bytes = std::size_t{4} << 20, .max_depth = 4});
  if (!value) return std::nullopt;
  const auto time = NumberOf(*value, "timestamp", kMaxArrivalMs);
  const auto prompt = NumberOf(*value, "input_length", kMaxTokens);
  const auto answer = NumberOf(*value, "output_length", kMaxTokens);
  if (!time || !prompt || !answer) return std::nullopt;
  TraceRow row{.arrival_ms = *time,
               .prompt_tokens = static_cast<std::size_t>(*prompt),
               .answer_tokens = static_cast<std::size_t>(*answer),
               .blocks = {}};
  const json::value* const ids = Find(*value, "hash_ids");
  if (ids == nullptr) return row;
  if (!ids->is_array() || ids->get_array().size() > kMaxBlocks) return std::nullopt;
  for (const json::value& id : ids->get_array()) {
    if (!id.is_int64() && !id.is_uint64()) return std::nullopt;
    row.blocks.push_back(id.is_int64() ? static_cast<std::uint64_t>(id.get_int64())
                                       : id.get_uint64());
  }
  return row;
}

}  // namespace

Result<Trace> ParseTrace(std::string_view text) {
  const bool is_json = text.starts_with('{');
  if (!is_json && !text.starts_with("TIMESTAMP,ContextTokens,GeneratedTokens")) {
    return Error(StatusCode::kInvalidInput,
                 "is no trace: neither Azure's CSV, whose first line is "
                 "TIMESTAMP,ContextTokens,GeneratedTokens, nor Mooncake's JSON lines");
  }
  Trace trace;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (!is_json && number == 1)) continue;
    std::optional<TraceRow> row = is_json ? ParseJsonLine(line) : ParseCsvLine(line);
    if (!row) return Error(StatusCode::kInvalidInput, "line {} is no request of a trace", number);
    if (row->prompt_tokens == 0 || row->answer_tokens == 0) {
      ++trace.skipped_rows;
      continue;
    }
    if (trace.rows.size() == kMaxRows) {
      return Error(StatusCode::kInvalidInput, "has over {} requests", kMaxRows);
    }
    trace.rows.push_back(*std::move(row));
  }
  if (trace.rows.empty()) return Error(StatusCode::kInvalidInput, "has no requests");
  std::ranges::sort(trace.rows, {}, &TraceRow::arrival_ms);
  const double first = trace.rows.front().arrival_ms;
  for (TraceRow& row : trace.rows) row.arrival_ms -= first;
  return trace;
}

}  // namespace kinglet
