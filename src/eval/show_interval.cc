// SPDX-License-Identifier: Apache-2.0
// An end that is no number is never shown as one.
#include "eval/show_interval.h"

#include <cmath>
#include <limits>

namespace kinglet {
namespace {

double NumberOf(const json::value& value) {
  return value.is_number() ? value.to_number<double>() : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::string ShowInterval(double low, double high, std::string (*show)(double)) {
  const bool has_low = std::isfinite(low);
  const bool has_high = std::isfinite(high);
  if (has_low && has_high) return fmt::format("{} to {}", show(low), show(high));
  if (has_low && high > low) return show(low) + " or more";
  if (has_high && low < high) return show(high) + " or less";
  return "no interval";
}

std::string ShowMean(double mean, double low, double high, std::string (*show)(double)) {
  return fmt::format("{:>8}   95 %: {}", std::isnan(mean) ? "none" : show(mean),
                     ShowInterval(low, high, show));
}

std::string ShowMean(const json::value& mean, const json::value& ci95) {
  const json::value none;
  const json::array* const ends = ci95.if_array();
  const bool has_ends = ends != nullptr && ends->size() == 2;
  return ShowMean(NumberOf(mean), NumberOf(has_ends ? ends->front() : none),
                  NumberOf(has_ends ? ends->back() : none));
}

}  // namespace kinglet
