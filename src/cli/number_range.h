// SPDX-License-Identifier: Apache-2.0
// What numbers a flag takes. CLI11's own ranges take "nan", and -1 for the greatest whole number.
#pragma once

#include <cstdint>
#include <limits>

#include <CLI/CLI.hpp>

namespace kinglet {

// A finite number from low to high, both among them.
CLI::Validator NumberFrom(double low, double high = std::numeric_limits<double>::max());

// A finite number above 0.
CLI::Validator PositiveNumber();

// A whole number in decimal digits, from low to high. high must be what the option can hold.
CLI::Validator WholeFrom(std::uint64_t low, std::uint64_t high);

// Of what an int and what 64 bits can hold.
inline constexpr std::uint64_t kMaxInt = std::numeric_limits<int>::max();
inline constexpr std::uint64_t kMaxUint64 = std::numeric_limits<std::uint64_t>::max();

}  // namespace kinglet
