// SPDX-License-Identifier: Apache-2.0
// Decimal numbers as they are written, compared exactly, and the texts of numbers within bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "grammar/regex.h"

namespace kinglet {

// sign * integer.fraction, without zeros that change nothing.
struct Decimal {
  bool is_negative = false;
  std::string integer;   // no leading zeros: "" for 0
  std::string fraction;  // no trailing zeros
  bool operator==(const Decimal&) const = default;
  bool is_integer() const { return fraction.empty(); }
  bool is_zero() const { return integer.empty() && fraction.empty(); }
};

// A JSON number. Nothing where it is none, or has more than 400 digits when written out.
std::optional<Decimal> ParseDecimal(std::string_view text);

// Numbers of JSON are told apart by their values here: each set holds every text without an
// exponent of each of its values (1, 1.0, 1.00), or none. AnyNumber() alone has exponents, and
// draft 4's integers alone are told by how they are written.
RegexId AnyNumber(RegexPool& pool);
RegexId PlainNumber(RegexPool& pool);     // any, without an exponent
RegexId IntegralNumber(RegexPool& pool);  // whose fraction is zeros
// So many digits on either side of the point, at most: models go on with digits for ever.
inline constexpr std::uint32_t kWrittenDigits = 40;
// What is longer before the point may be more than a double holds.
inline constexpr std::uint32_t kDoubleDigits = 308;
// One text of each number, and of 50 also 50.0: no zeros at the end, no -0. With integers_only no
// fraction.
RegexId WrittenNumber(RegexPool& pool, bool integers_only, std::uint32_t max_digits);
// Any number of at most kWrittenDigits, and an exponent to 99.
RegexId WrittenAnyNumber(RegexPool& pool);
RegexId NumberEqual(RegexPool& pool, const Decimal& bound);
RegexId NumberAtLeast(RegexPool& pool, const Decimal& bound, bool is_exclusive);
RegexId NumberAtMost(RegexPool& pool, const Decimal& bound, bool is_exclusive);
// kNoText where the divisor has too many digits.
RegexId NumberMultipleOf(RegexPool& pool, const Decimal& divisor);

}  // namespace kinglet
