// SPDX-License-Identifier: Apache-2.0
// The table of formats; times, durations, UUIDs and pointers. Names of the network are elsewhere.
#include "grammar/json_formats.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "base/utf8.h"
#include "grammar/network_formats.h"

namespace kinglet::validation {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool Take(std::string_view& rest, char c) {
  if (!rest.starts_with(c)) return false;
  rest.remove_prefix(1);
  return true;
}

// How many digits were taken.
std::size_t TakeDigits(std::string_view& rest) {
  const auto size =
      static_cast<std::size_t>(std::ranges::find_if_not(rest, IsDigit) - rest.begin());
  rest.remove_prefix(size);
  return size;
}

// A number of exactly that many digits.
std::optional<int> TakeNumber(std::string_view& rest, std::size_t digits) {
  if (rest.size() < digits || !std::ranges::all_of(rest.substr(0, digits), IsDigit))
    return std::nullopt;
  int number = 0;
  for (const char c : rest.substr(0, digits)) number = number * 10 + (c - '0');
  rest.remove_prefix(digits);
  return number;
}

// RFC 3339, full-date.
bool TakeDate(std::string_view& rest) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const auto year = TakeNumber(rest, 4);
  if (!year || !Take(rest, '-')) return false;
  const auto month = TakeNumber(rest, 2);
  if (!month || *month < 1 || *month > 12 || !Take(rest, '-')) return false;
  const bool is_leap = *year % 4 == 0 && (*year % 100 != 0 || *year % 400 == 0);
  const int days = kDays[static_cast<std::size_t>(*month - 1)] + (*month == 2 && is_leap ? 1 : 0);
  const auto day = TakeNumber(rest, 2);
  return day && *day >= 1 && *day <= days;
}

// RFC 3339, full-time. A leap second is the last of a day of UTC.
bool TakeTime(std::string_view& rest) {
  const auto hour = TakeNumber(rest, 2);
  if (!hour || *hour > 23 || !Take(rest, ':')) return false;
  const auto minute = TakeNumber(rest, 2);
  if (!minute || *minute > 59 || !Take(rest, ':')) return false;
  const auto second = TakeNumber(rest, 2);
  if (!second || *second > 60) return false;
  if (Take(rest, '.') && TakeDigits(rest) == 0) return false;
  int offset = 0;  // minutes east of UTC
  if (!Take(rest, 'Z') && !Take(rest, 'z')) {
    const bool is_west = rest.starts_with('-');
    if (!is_west && !rest.starts_with('+')) return false;
    rest.remove_prefix(1);
    const auto hours = TakeNumber(rest, 2);
    if (!hours || *hours > 23 || !Take(rest, ':')) return false;
    const auto minutes = TakeNumber(rest, 2);
    if (!minutes || *minutes > 59) return false;
    offset = (*hours * 60 + *minutes) * (is_west ? -1 : 1);
  }
  constexpr int kDay = 24 * 60;
  return *second < 60 || (*hour * 60 + *minute - offset + kDay) % kDay == kDay - 1;
}

bool IsDate(std::string_view text) { return TakeDate(text) && text.empty(); }
bool IsTime(std::string_view text) { return TakeTime(text) && text.empty(); }
bool IsDateTime(std::string_view text) {
  return TakeDate(text) && (Take(text, 'T') || Take(text, 't')) && IsTime(text);
}

// Numbers with units that stand side by side in `units`: 1Y2M, but not 1Y2D. At least one.
bool TakeUnits(std::string_view& rest, std::string_view units) {
  std::size_t next = std::string_view::npos;
  while (!rest.empty() && IsDigit(rest.front())) {
    TakeDigits(rest);
    const std::size_t unit = rest.empty() ? std::string_view::npos : units.find(rest.front());
    if (unit == std::string_view::npos || (next != std::string_view::npos && unit != next))
      return false;
    rest.remove_prefix(1);
    next = unit + 1;
  }
  return next != std::string_view::npos;
}

// RFC 3339, appendix A.
bool IsDuration(std::string_view text) {
  if (!Take(text, 'P')) return false;
  if (text.ends_with('W')) {
    text.remove_suffix(1);
    return TakeDigits(text) > 0 && text.empty();
  }
  if (!text.starts_with('T') && !TakeUnits(text, "YMD")) return false;
  return text.empty() || (Take(text, 'T') && TakeUnits(text, "HMS") && text.empty());
}

// RFC 4122, of any version.
bool IsUuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kShape, [](char c, char shape) {
    if (shape == '-') return c == '-';
    return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

// RFC 6901.
bool IsJsonPointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') continue;
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

bool IsRelativeJsonPointer(std::string_view text) {
  const bool is_zero = text.starts_with('0');
  const std::size_t digits = TakeDigits(text);
  if (digits == 0 || (is_zero && digits > 1)) return false;
  return text == "#" || IsJsonPointer(text);
}

struct Format {
  std::string_view name;
  bool (*is)(std::string_view);
};
constexpr std::array<Format, 18> kFormats = {{
    {"date", IsDate},
    {"time", IsTime},
    {"date-time", IsDateTime},
    {"duration", IsDuration},
    {"email", IsEmail},
    {"idn-email", IsInternationalEmail},
    {"hostname", IsHostname},
    {"idn-hostname", IsInternationalHostname},
    {"ipv4", IsIpv4},
    {"ipv6", IsIpv6},
    {"uuid", IsUuid},
    {"uri", IsUri},
    {"url", IsUri},
    {"uri-reference", IsUriReference},
    {"iri", IsIri},
    {"iri-reference", IsIriReference},
    {"json-pointer", IsJsonPointer},
    {"relative-json-pointer", IsRelativeJsonPointer},
}};

}  // namespace

bool HasFormat(std::string_view text, std::string_view format) {
  const auto* const found = std::ranges::find(kFormats, format, &Format::name);
  return found == kFormats.end() || (IsUtf8(text) && found->is(text));
}

}  // namespace kinglet::validation
