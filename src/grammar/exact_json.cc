// SPDX-License-Identifier: Apache-2.0
// Digits and a power of ten say all that a number of JSON can be.
#include "grammar/exact_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/multiprecision/cpp_int.hpp>

namespace kinglet::validation {
namespace {

namespace json = boost::json;
using Integer = boost::multiprecision::cpp_int;

constexpr std::int64_t kStepsOfDecimals = 8;

std::int64_t StepsOf(std::string_view text) { return static_cast<std::int64_t>(text.size() / 16); }

// digits * 10^exponent, without zeros at either end of the digits; none of them for 0.
struct Written {
  bool is_negative = false;
  bool is_infinite = false;
  std::string digits;
  int exponent = 0;

  int sign() const {
    if (digits.empty() && !is_infinite) return 0;
    return is_negative ? -1 : 1;
  }
  // Of the digit in front of the point, 1 for 1 to 9.
  int magnitude() const { return static_cast<int>(digits.size()) + exponent; }
};

Written WrittenFrom(std::string_view text, int exponent) {
  Written number;
  number.is_negative = text.starts_with('-');
  if (number.is_negative) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  if (point < text.size()) exponent -= static_cast<int>(text.size() - point - 1);
  number.digits = text.substr(0, point);
  number.digits += text.substr(std::min(point + 1, text.size()));
  const std::size_t end = number.digits.find_last_not_of('0') + 1;
  exponent += static_cast<int>(number.digits.size() - end);
  number.digits.erase(end);
  number.digits.erase(0, number.digits.find_first_not_of('0'));
  number.exponent = number.digits.empty() ? 0 : exponent;
  return number;
}

Written WrittenOf(const json::value& number) {
  if (const std::int64_t* const of = number.if_int64()) return WrittenFrom(std::to_string(*of), 0);
  if (const std::uint64_t* const of = number.if_uint64())
    return WrittenFrom(std::to_string(*of), 0);
  const double value = number.get_double();
  if (!std::isfinite(value)) return {.is_negative = value < 0, .is_infinite = true};
  std::array<char, 32> text{};  // the longest is -1.2345678901234567e-308
  const auto written =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  const char* const end = written.ptr;
  const char* const e = std::find(text.cbegin(), text.cend(), 'e');
  int exponent = 0;
  std::from_chars(e + (e[1] == '+' ? 2 : 1), end, exponent);
  return WrittenFrom({text.cbegin(), e}, exponent);
}

std::strong_ordering Compare(const Written& a, const Written& b) {
  if (a.sign() != b.sign() || a.sign() == 0) return a.sign() <=> b.sign();
  const Written& low = a.is_negative ? b : a;  // of two negative ones the larger is less
  const Written& high = a.is_negative ? a : b;
  if (a.is_infinite || b.is_infinite) return low.is_infinite <=> high.is_infinite;
  if (low.magnitude() != high.magnitude()) return low.magnitude() <=> high.magnitude();
  return low.digits <=> high.digits;
}

Integer Scaled(const Written& number, int zeros) {
  return Integer(number.digits + std::string(static_cast<std::size_t>(zeros), '0'));
}

void AppendText(std::string_view text, std::string& out) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

void AppendCanonical(const json::value& value, std::string& out) {
  if (value.is_number()) {
    const Written number = WrittenOf(value);
    out += number.is_negative && number.sign() != 0 ? '-' : '+';
    out += number.digits + 'e' + std::to_string(number.exponent);
  } else if (const json::string* const text = value.if_string()) {
    AppendText(*text, out);
  } else if (const json::array* const items = value.if_array()) {
    out += '[';
    for (const json::value& item : *items) {
      AppendCanonical(item, out);
      out += ',';
    }
    out += ']';
  } else if (const json::object* const object = value.if_object()) {
    std::vector<const json::key_value_pair*> members;
    for (const json::key_value_pair& member : *object) members.push_back(&member);
    std::ranges::sort(members, {}, [](const json::key_value_pair* member) -> std::string_view {
      return member->key();
    });
    out += '{';
    for (const json::key_value_pair* const member : members) {
      AppendText(member->key(), out);
      AppendCanonical(member->value(), out);
    }
    out += '}';
  } else {
    out += value.is_null() ? 'n' : value.get_bool() ? 't' : 'f';
  }
}

}  // namespace

std::strong_ordering CompareNumbers(const json::value& a, const json::value& b) {
  if (a.is_int64() && b.is_int64()) return a.get_int64() <=> b.get_int64();
  return Compare(WrittenOf(a), WrittenOf(b));
}

std::strong_ordering CompareCount(std::size_t count, const json::value& number) {
  return CompareNumbers(json::value(static_cast<std::int64_t>(count)), number);
}

bool IsIntegral(const json::value& number) {
  return !number.is_double() || WrittenOf(number).exponent >= 0;
}

bool IsMultipleOf(const json::value& number, const json::value& divisor) {
  const Written a = WrittenOf(number);
  const Written b = WrittenOf(divisor);
  if (a.sign() == 0 || b.sign() == 0) return true;
  if (b.is_infinite) return false;
  const int zeros = a.exponent - b.exponent;
  const Integer rest = Scaled(a, std::max(zeros, 0)) % Scaled(b, std::max(-zeros, 0));
  return rest.is_zero();
}

bool AreEqual(const json::value& a, const json::value& b, std::int64_t& steps) {
  ++steps;
  if (a.is_number() && b.is_number()) {
    if (a.is_double() || b.is_double()) steps += kStepsOfDecimals;
    return CompareNumbers(a, b) == 0;
  }
  if (a.kind() != b.kind()) return false;
  if (a.is_array()) {
    return std::ranges::equal(
        a.get_array(), b.get_array(),
        [&](const json::value& x, const json::value& y) { return AreEqual(x, y, steps); });
  }
  if (a.is_string()) {
    const std::string_view text = a.get_string();
    if (text.size() == b.get_string().size()) steps += StepsOf(text);
    return text == std::string_view(b.get_string());
  }
  if (!a.is_object()) return a == b;
  if (a.get_object().size() != b.get_object().size()) return false;
  return std::ranges::all_of(a.get_object(), [&](const json::key_value_pair& member) {
    steps += StepsOf(member.key());
    const json::value* const other = b.get_object().if_contains(member.key());
    return other != nullptr && AreEqual(member.value(), *other, steps);
  });
}

std::string CanonicalText(const json::value& value) {
  std::string text;
  AppendCanonical(value, text);
  return text;
}

}  // namespace kinglet::validation
