// SPDX-License-Identifier: Apache-2.0
// Calendar by <chrono>; Excel's day 60, a 29th of February 1900 that never was, is the one
// exception.
#include "knowledge/formats/cell_format.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace kinglet {
namespace {

constexpr double kDays = 2'958'466;  // the first serial number after the year 9999
constexpr std::int64_t kSecondsPerDay = 86'400;

std::string TimeText(std::int64_t seconds) {
  const std::int64_t hours = seconds / 3600;
  const std::int64_t minutes = seconds / 60 % 60;
  if (seconds % 60 == 0) return fmt::format("{:02}:{:02}", hours, minutes);
  return fmt::format("{:02}:{:02}:{:02}", hours, minutes, seconds % 60);
}

std::string DateText(std::int64_t day, bool since_1904) {
  using std::chrono::days;
  using std::chrono::sys_days;
  if (!since_1904 && day == 60) return "1900-02-29";
  sys_days start = sys_days(std::chrono::year(1899) / 12 / (day < 60 ? 31 : 30));
  if (since_1904) start = sys_days(std::chrono::year(1904) / 1 / 1);
  const std::chrono::year_month_day date(start + days(day));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

// 15 digits, as Excel shows them: the file has 17, of which the last are noise.
std::string NumberText(double number) { return fmt::format("{:.15g}", number); }

}  // namespace

CellFormat BuiltInCellFormat(int id) {
  if (id == 9 || id == 10) return CellFormat::kPercent;
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58)) {
    return CellFormat::kDate;
  }
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47) {
    return CellFormat::kTime;
  }
  if (id == 22) return CellFormat::kDateTime;
  return id == 46 ? CellFormat::kDuration : CellFormat::kNumber;
}

CellFormat ParseCellFormat(std::string_view code) {
  bool date = false;
  bool time = false;
  bool months_or_minutes = false;
  code = code.substr(0, code.find(';'));  // the part for positive numbers
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '"') {
      i = code.find('"', i + 1);
    } else if (c == '[') {
      const char inside = i + 1 < code.size() ? static_cast<char>(code[i + 1] | 0x20) : '\0';
      const std::size_t end = code.find(']', i);
      const bool elapsed = inside == 'h' || inside == 's' || inside == 'm';
      if (elapsed && end - i <= 3) return CellFormat::kDuration;
      i = end;
    } else if (c == '\\' || c == '_' || c == '*') {
      ++i;  // the next character is itself
    } else if (code.substr(i).starts_with("General")) {
      return CellFormat::kNumber;
    } else if (c == '%') {
      return CellFormat::kPercent;
    } else if (const char lower = static_cast<char>(c | 0x20); lower == 'y' || lower == 'd') {
      date = true;
    } else if (lower == 'h' || lower == 's') {
      time = true;
    } else if (lower == 'm') {
      months_or_minutes = true;
    }
    if (i == std::string_view::npos) break;
  }
  if (!date && !time) return months_or_minutes ? CellFormat::kDate : CellFormat::kNumber;
  if (date && time) return CellFormat::kDateTime;
  return date ? CellFormat::kDate : CellFormat::kTime;
}

std::string FormatCell(std::string_view value, CellFormat format, bool since_1904) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number)) {
    return std::string(value);
  }
  if (format == CellFormat::kNumber) return NumberText(number);
  if (format == CellFormat::kPercent) return NumberText(number * 100) + "%";
  if (number < 0 || number >= kDays) return NumberText(number);
  const std::int64_t seconds = std::llround(number * static_cast<double>(kSecondsPerDay));
  const std::int64_t day = seconds / kSecondsPerDay;
  const std::int64_t time = seconds % kSecondsPerDay;
  switch (format) {
    case CellFormat::kDuration:
      return TimeText(seconds);
    case CellFormat::kTime:
      return TimeText(time);
    case CellFormat::kDateTime:
      return DateText(day, since_1904) + " " + TimeText(time);
    default:
      return DateText(day, since_1904);
  }
}

}  // namespace kinglet
