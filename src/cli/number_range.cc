// SPDX-License-Identifier: Apache-2.0
// A text is read to its end as one number; what is left over, or missing, is no number.
#include "cli/number_range.h"

#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/display.h"

namespace kinglet {
namespace {

template <typename T>
std::optional<T> Read(const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error != std::errc()) return std::nullopt;
  return value;
}

// `range` stands in --help, and in the error after "must be a number ".
template <typename T>
CLI::Validator Within(T low, T high, const std::string& kind, std::string range) {
  std::string error = fmt::format("must be a {} {}", kind, range);
  const auto check = [low, high, error = std::move(error)](const std::string& text) {
    const std::optional<T> value = Read<T>(text);
    if (value && *value >= low && *value <= high) return std::string();
    return fmt::format("{}, not {}", error, Quoted(text));
  };
  return {check, std::move(range)};
}

}  // namespace

CLI::Validator NumberFrom(double low, double high) {
  const bool is_open = high == std::numeric_limits<double>::max();
  return Within(low, high, "number",
                is_open ? fmt::format("from {} on", low) : fmt::format("from {} to {}", low, high));
}

CLI::Validator PositiveNumber() {
  return Within(std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max(),
                "number", "above 0");
}

CLI::Validator WholeFrom(std::uint64_t low, std::uint64_t high) {
  return Within(low, high, "whole number", fmt::format("from {} to {}", low, high));
}

}  // namespace kinglet
