// SPDX-License-Identifier: Apache-2.0
// Bounds become languages digit by digit: the first digit that differs decides.
#include "grammar/decimal.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace kinglet {
namespace {

constexpr int kMaxDigits = 400;

ByteSet DigitsFrom(char first, char last) {
  return first > last
             ? ByteSet()
             : ByteSet::Range(static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last));
}

class Texts {
 public:
  explicit Texts(RegexPool& pool)
      : pool_(pool),
        digit_(pool.Bytes(DigitsFrom('0', '9'))),
        point_(pool.Literal(".")),
        zeros_(pool.Repeat(pool.Literal("0"), 0, kUnbounded)) {}

  RegexId Digits(std::size_t min, std::uint32_t max) {
    return pool_.Repeat(digit_, static_cast<std::uint32_t>(min), max);
  }
  // ".000", or nothing.
  RegexId ZeroFraction() {
    return pool_.Repeat(pool_.Concat({point_, pool_.Literal("0"), zeros_}), 0, 1);
  }
  RegexId AnyFraction() { return pool_.Repeat(pool_.Concat(point_, Digits(1, kUnbounded)), 0, 1); }
  RegexId AnyInteger() {
    return pool_.Or({pool_.Literal("0"),
                     pool_.Concat(pool_.Bytes(DigitsFrom('1', '9')), Digits(0, kUnbounded))});
  }
  RegexId Minus() { return pool_.Literal("-"); }

  // Integers without a sign that have more or fewer digits than so many.
  RegexId Longer(std::size_t digits) {
    const RegexId head = pool_.Bytes(DigitsFrom('1', '9'));
    return pool_.Concat(head, Digits(std::max<std::size_t>(digits, 1), kUnbounded));
  }
  RegexId Shorter(std::size_t digits) {  // digits >= 1
    if (digits == 1) return pool_.Literal("0");
    const RegexId head = pool_.Bytes(DigitsFrom('1', '9'));
    const RegexId others = pool_.Concat(head, Digits(0, static_cast<std::uint32_t>(digits - 2)));
    return pool_.Or({pool_.Literal("0"), others});
  }

  // Fractions, with their point, of the digits; trailing zeros free.
  RegexId FractionEqual(const std::string& digits) {
    if (digits.empty()) return ZeroFraction();
    return pool_.Concat({point_, pool_.Literal(digits), zeros_});
  }
  RegexId FractionGreater(const std::string& digits) {
    return FractionBeside(digits, /*greater=*/true);
  }
  RegexId FractionLess(const std::string& digits) {
    return FractionBeside(digits, /*greater=*/false);
  }

  RegexId Equal(const Decimal& bound) {
    const std::string integer = bound.integer.empty() ? "0" : bound.integer;
    return pool_.Concat(pool_.Literal(integer), FractionEqual(bound.fraction));
  }

  // Numbers without a sign beside |bound|.
  RegexId Beside(const Decimal& bound, bool greater) {
    std::vector<RegexId> ways;
    const std::string& digits = bound.integer;
    const std::string integer = digits.empty() ? "0" : digits;
    if (greater) {
      ways.push_back(digits.empty() ? pool_.Concat(pool_.Concat(pool_.Bytes(DigitsFrom('1', '9')),
                                                                Digits(0, kUnbounded)),
                                                   AnyFraction())
                                    : pool_.Concat(Longer(digits.size()), AnyFraction()));
    } else if (!digits.empty()) {
      ways.push_back(pool_.Concat(Shorter(digits.size()), AnyFraction()));
    }
    for (std::size_t i = 0; i < digits.size(); ++i) {
      const char low = greater ? static_cast<char>(digits[i] + 1) : (i == 0 ? '1' : '0');
      const char high = greater ? '9' : static_cast<char>(digits[i] - 1);
      const ByteSet differs = DigitsFrom(low, high);
      const std::size_t rest = digits.size() - i - 1;
      ways.push_back(pool_.Concat({pool_.Literal(digits.substr(0, i)), pool_.Bytes(differs),
                                   Digits(rest, static_cast<std::uint32_t>(rest)), AnyFraction()}));
    }
    ways.push_back(pool_.Concat(pool_.Literal(integer), greater ? FractionGreater(bound.fraction)
                                                                : FractionLess(bound.fraction)));
    return pool_.Or(ways);
  }

 private:
  RegexId FractionBeside(const std::string& digits, bool greater) {
    std::vector<RegexId> ways;
    if (!greater && !digits.empty()) ways.push_back(kEmptyText);  // no fraction at all
    for (std::size_t i = 0; i < digits.size(); ++i) {
      const ByteSet differs = greater ? DigitsFrom(static_cast<char>(digits[i] + 1), '9')
                                      : DigitsFrom('0', static_cast<char>(digits[i] - 1));
      ways.push_back(pool_.Concat({point_, pool_.Literal(digits.substr(0, i)), pool_.Bytes(differs),
                                   Digits(0, kUnbounded)}));
      // "0.1" is less than 0.123 too: the text may end within the digits.
      if (!greater && i > 0)
        ways.push_back(pool_.Concat(point_, pool_.Literal(digits.substr(0, i))));
    }
    if (greater) {
      ways.push_back(pool_.Concat({point_, pool_.Literal(digits), zeros_,
                                   pool_.Bytes(DigitsFrom('1', '9')), Digits(0, kUnbounded)}));
    }
    return pool_.Or(ways);
  }

  RegexPool& pool_;
  RegexId digit_;
  RegexId point_;
  RegexId zeros_;
};

// Numbers on one side of the bound.
RegexId Side(RegexPool& pool, const Decimal& bound, bool is_exclusive, bool greater) {
  Texts texts(pool);
  const RegexId unsigned_any = pool.Concat(texts.AnyInteger(), texts.AnyFraction());
  const RegexId zero = pool.Concat(pool.Literal("0"), texts.ZeroFraction());
  std::vector<RegexId> positive;  // texts without a sign
  std::vector<RegexId> negative;  // texts behind one; "-0" is 0
  const bool bound_is_negative = bound.is_negative && !bound.is_zero();
  if (greater != bound_is_negative) {
    // The side that leads away from 0, beyond the bound's absolute value.
    std::vector<RegexId>& same = bound_is_negative ? negative : positive;
    same.push_back(texts.Beside(bound, /*greater=*/true));
    if (!is_exclusive) same.push_back(texts.Equal(bound));
    if (!is_exclusive && bound.is_zero()) negative.push_back(zero);
  } else {
    // All of the other sign, and on this one what is nearer to 0.
    std::vector<RegexId>& same = bound_is_negative ? negative : positive;
    std::vector<RegexId>& other = bound_is_negative ? positive : negative;
    other.push_back(is_exclusive && bound.is_zero() ? texts.Beside(bound, /*greater=*/true)
                                                    : unsigned_any);
    same.push_back(texts.Beside(bound, /*greater=*/false));
    if (!is_exclusive) same.push_back(texts.Equal(bound));
  }
  return pool.Or({pool.Or(positive), pool.Concat(texts.Minus(), pool.Or(negative))});
}

// Perhaps an exponent, to 99.
RegexId Exponent(RegexPool& pool) {
  Texts texts(pool);
  const RegexId sign = pool.Repeat(pool.Or({pool.Literal("+"), texts.Minus()}), 0, 1);
  const RegexId letter = pool.Or({pool.Literal("e"), pool.Literal("E")});
  return pool.Repeat(pool.Concat({letter, sign, texts.Digits(1, 2)}), 0, 1);
}

}  // namespace

std::optional<Decimal> ParseDecimal(std::string_view text) {
  Decimal decimal;
  if (text.starts_with('-')) {
    decimal.is_negative = true;
    text.remove_prefix(1);
  }
  const std::size_t exponent_at = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, exponent_at);
  int exponent = 0;
  if (exponent_at != std::string_view::npos) {
    std::string_view number = text.substr(exponent_at + 1);
    if (number.starts_with('+')) number.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), exponent);
    if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  }
  const std::size_t point = std::min(digits.find('.'), digits.size());
  std::string all(digits.substr(0, point));
  if (point < digits.size()) all += digits.substr(point + 1);
  const bool is_number =
      !all.empty() && std::ranges::all_of(all, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number || all.size() > kMaxDigits || exponent > kMaxDigits || exponent < -kMaxDigits)
    return std::nullopt;
  auto integer_digits = static_cast<int>(point) + exponent;
  if (integer_digits < 0) {
    all.insert(0, static_cast<std::size_t>(-integer_digits), '0');
    integer_digits = 0;
  }
  const auto size = static_cast<std::size_t>(integer_digits);
  if (all.size() < size) all.append(size - all.size(), '0');
  decimal.integer = all.substr(0, size);
  decimal.fraction = all.substr(size);
  decimal.integer.erase(0, decimal.integer.find_first_not_of('0'));
  decimal.fraction.erase(decimal.fraction.find_last_not_of('0') + 1);
  return decimal;
}

RegexId PlainNumber(RegexPool& pool) {
  Texts texts(pool);
  return pool.Concat({pool.Repeat(texts.Minus(), 0, 1), texts.AnyInteger(), texts.AnyFraction()});
}

RegexId AnyNumber(RegexPool& pool) { return pool.Concat(PlainNumber(pool), Exponent(pool)); }

RegexId IntegralNumber(RegexPool& pool) {
  Texts texts(pool);
  return pool.Concat({pool.Repeat(texts.Minus(), 0, 1), texts.AnyInteger(), texts.ZeroFraction()});
}

RegexId WrittenNumber(RegexPool& pool, bool integers_only, std::uint32_t max_digits) {
  Texts texts(pool);
  const RegexId head = pool.Bytes(DigitsFrom('1', '9'));
  const RegexId positive = pool.Concat(head, texts.Digits(0, max_digits - 1));
  const RegexId minus = pool.Repeat(texts.Minus(), 0, 1);
  const RegexId zero = pool.Literal("0");
  if (integers_only) return pool.Or({zero, pool.Concat(minus, positive)});
  const RegexId fraction = pool.Concat({pool.Literal("."), texts.Digits(0, max_digits - 1), head});
  const RegexId point_zero = pool.Repeat(pool.Literal(".0"), 0, 1);
  return pool.Or({pool.Concat(zero, point_zero), pool.Concat({minus, positive, point_zero}),
                  pool.Concat({minus, pool.Or({zero, positive}), fraction})});
}

RegexId WrittenAnyNumber(RegexPool& pool) {
  Texts texts(pool);
  const RegexId integer =
      pool.Or({pool.Literal("0"),
               pool.Concat(pool.Bytes(DigitsFrom('1', '9')), texts.Digits(0, kWrittenDigits - 1))});
  const RegexId fraction =
      pool.Repeat(pool.Concat(pool.Literal("."), texts.Digits(1, kWrittenDigits)), 0, 1);
  return pool.Concat({pool.Repeat(texts.Minus(), 0, 1), integer, fraction, Exponent(pool)});
}

RegexId NumberEqual(RegexPool& pool, const Decimal& bound) {
  Texts texts(pool);
  const RegexId text = texts.Equal(bound);
  if (bound.is_zero()) return pool.Concat(pool.Repeat(texts.Minus(), 0, 1), text);
  return bound.is_negative ? pool.Concat(texts.Minus(), text) : text;
}

RegexId NumberAtLeast(RegexPool& pool, const Decimal& bound, bool is_exclusive) {
  return Side(pool, bound, is_exclusive, /*greater=*/true);
}

RegexId NumberAtMost(RegexPool& pool, const Decimal& bound, bool is_exclusive) {
  return Side(pool, bound, is_exclusive, /*greater=*/false);
}

RegexId NumberMultipleOf(RegexPool& pool, const Decimal& divisor) {
  const std::string digits = divisor.integer + divisor.fraction;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0 ||
      number > RegexPool::kMaxDivisor) {
    return kNoText;
  }
  const RegexId multiple =
      pool.Multiple(number, static_cast<std::uint32_t>(divisor.fraction.size()));
  Texts texts(pool);
  return pool.And({PlainNumber(pool), pool.Concat(pool.Repeat(texts.Minus(), 0, 1), multiple)});
}

}  // namespace kinglet
