// SPDX-License-Identifier: Apache-2.0
// One look at the next byte says what comes.
#include "knowledge/formats/rtf_lexer.h"

#include <algorithm>
#include <charconv>

namespace kinglet {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// How many characters at the start are of that kind.
std::size_t CountOf(std::string_view text, bool (*is_of_kind)(char)) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_of_kind) - text.begin());
}

}  // namespace

RtfToken RtfLexer::Take(RtfToken::Kind kind, std::size_t count) {
  const RtfToken token{kind, left_.substr(0, count), {}};
  left_.remove_prefix(token.text.size());
  return token;
}

// Line breaks of the file are none of the text.
RtfToken RtfLexer::Next() {
  left_.remove_prefix(std::min(left_.find_first_not_of("\r\n"), left_.size()));
  if (left_.empty()) return {};
  switch (left_.front()) {
    case '{':
      return Take(RtfToken::Kind::kOpen, 1);
    case '}':
      return Take(RtfToken::Kind::kClose, 1);
    case '\\':
      left_.remove_prefix(1);
      return Control();
    default:
      return Take(RtfToken::Kind::kBytes, std::min(left_.find_first_of("{}\\\r\n"), left_.size()));
  }
}

RtfToken RtfLexer::Control() {
  if (left_.empty()) return {};
  const char first = left_.front();
  if (IsLetter(first)) return Word();
  if (first == '\\' || first == '{' || first == '}') return Take(RtfToken::Kind::kBytes, 1);
  if (first != '\'') return Take(RtfToken::Kind::kSymbol, 1);
  left_.remove_prefix(1);
  unsigned value = 0;
  const std::string_view digits = left_.substr(0, 2);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc()) return Take(RtfToken::Kind::kBytes, 0);
  left_.remove_prefix(static_cast<std::size_t>(end - digits.data()));
  byte_ = static_cast<char>(value);
  return {RtfToken::Kind::kBytes, std::string_view(&byte_, 1), {}};
}

// A space after it belongs to it. The bytes that \binN announces are of no use to anybody here.
RtfToken RtfLexer::Word() {
  RtfToken token = Take(RtfToken::Kind::kWord, CountOf(left_, IsLetter));
  const std::size_t sign = left_.starts_with('-') ? 1 : 0;
  const std::size_t digits = CountOf(left_.substr(sign), IsDigit);
  if (digits > 0) {
    int number = 0;
    const std::string_view text = left_.substr(0, sign + digits);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc()) token.number = number;
    left_.remove_prefix(text.size());
  }
  if (left_.starts_with(' ')) left_.remove_prefix(1);
  const int announced = token.number.value_or(0);
  if (token.text != "bin" || announced <= 0) return token;
  left_.remove_prefix(std::min(static_cast<std::size_t>(announced), left_.size()));
  return token;
}

}  // namespace kinglet
