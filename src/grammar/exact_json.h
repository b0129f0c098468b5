// SPDX-License-Identifier: Apache-2.0
// JSON values compared as JSON Schema compares them: numbers by what they are worth, exactly.
//
// A number is what Boost.JSON holds of it: an integer of 64 bits, or the shortest decimal that
// reads back as the same double. Numbers here are finite, but for a bound, which may be infinite
// (1e400).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/json/value.hpp>

namespace kinglet::validation {

std::strong_ordering CompareNumbers(const boost::json::value& a, const boost::json::value& b);
std::strong_ordering CompareCount(std::size_t count, const boost::json::value& number);

// No fraction is left: 1.0 and 1e300 are integral.
bool IsIntegral(const boost::json::value& number);

// True where the divisor is 0, which is no schema and so rules nothing out.
bool IsMultipleOf(const boost::json::value& number, const boost::json::value& divisor);

// 1 equals 1.0, objects are equal in any order. Adds to `steps` what it took.
bool AreEqual(const boost::json::value& a, const boost::json::value& b, std::int64_t& steps);

// The same text for equal values, and for them alone.
std::string CanonicalText(const boost::json::value& value);

}  // namespace kinglet::validation
