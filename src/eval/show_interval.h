// SPDX-License-Identifier: Apache-2.0
// Figures and their intervals of 95 % confidence as people read them, in every table and report.
#pragma once

#include <string>

#include <fmt/format.h>

#include "base/json.h"

namespace kinglet {

template <int kDigits>
std::string Fixed(double number) {
  return fmt::format("{:.{}f}", number, kDigits);
}

template <int kDigits>
std::string Signed(double number) {
  return fmt::format("{:+.{}f}", number, kDigits);
}

// "0.250 to 0.750"; "0.250 or more" or "0.750 or less" where the other end is infinitely far away;
// "no interval" where there is none, as of questions of a single group.
std::string ShowInterval(double low, double high, std::string (*show)(double) = Fixed<3>);

// "   0.500   95 %: 0.250 to 0.750", which stands behind the name of what it is.
std::string ShowMean(double mean, double low, double high, std::string (*show)(double) = Fixed<3>);
// Of JSON: a number, and the list of its interval's ends. Null is no number.
std::string ShowMean(const json::value& mean, const json::value& ci95);

}  // namespace kinglet
