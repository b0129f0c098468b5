// SPDX-License-Identifier: Apache-2.0
// Numbers of phones are written in groups, and the groups tell them from other numbers; those that
// might be anything count after a word like "Tel." alone.
#include <algorithm>
#include <string>
#include <vector>

#include "knowledge/personal_data_rules.h"

namespace kinglet {
namespace {

constexpr std::size_t kMinDigits = 8;
constexpr std::size_t kMaxDigits = 15;     // E.164
constexpr std::size_t kMinUngrouped = 10;  // of an international one
constexpr std::size_t kMaxGroups = 7;

constexpr auto kPhoneWords = std::to_array<std::string_view>(
    {"call",     "cell",      "cellulare", "contact", "fax",          "fon",      "gsm",
     "handy",    "hotline",   "mobil",     "mobile",  "mobiltelefon", "móvil",    "phone",
     "portable", "puh",       "rufnummer", "telefax", "telefon",      "telefone", "telefono",
     "telefoon", "telephone", "teléfono",  "tel",     "tfno",         "tlf",      "téléphone",
     "tél",      "whatsapp",  "тел",       "телефон", "电话",         "電話"});

struct Number {
  bool has_plus = false;
  bool has_area_in_brackets = false;  // "(030) 123"
  std::string digits;
  std::vector<std::size_t> groups;  // how many digits each has
  std::string separators;           // what stands before each group but the first; ' ' for none
  std::size_t end = 0;
};

// One group, in brackets or not. False: there is none.
bool ReadGroup(std::string_view text, Number& number) {
  std::size_t at = number.end;
  const bool in_brackets = ByteAt(text, at) == '(';
  if (in_brackets) ++at;
  const std::size_t begin = at;
  while (IsDigit(ByteAt(text, at)) && at - begin <= kMaxDigits) ++at;
  if (at == begin || (in_brackets && ByteAt(text, at) != ')')) return false;
  number.digits += text.substr(begin, at - begin);
  number.groups.push_back(at - begin);
  number.end = in_brackets ? at + 1 : at;
  if (in_brackets && number.groups.size() == 1) number.has_area_in_brackets = true;
  return true;
}

// A space, one of "-./", or that with a space at either side.
char ReadSeparator(std::string_view text, std::size_t& at) {
  char separator = '\0';
  if (ByteAt(text, at) == ' ') separator = text[at++];
  const char mark = ByteAt(text, at);
  if (mark != '-' && mark != '.' && mark != '/') return separator;
  if (ByteAt(text, ++at) == ' ') ++at;
  return mark;
}

Number ReadNumber(std::string_view text, std::size_t begin) {
  Number number;
  number.end = begin;
  number.has_plus = text[begin] == '+';
  if (number.has_plus) ++number.end;
  if (!ReadGroup(text, number)) return number;
  while (number.groups.size() <= kMaxGroups && number.digits.size() <= kMaxDigits) {
    Number next = number;
    const char separator = ReadSeparator(text, next.end);
    const bool beside_bracket = ByteAt(text, next.end) == '(' || text[number.end - 1] == ')';
    if (separator == '\0' && !beside_bracket) break;
    if (!ReadGroup(text, next)) break;
    number = std::move(next);
    number.separators += separator == '\0' ? ' ' : separator;
  }
  return number;
}

bool HasGroups(const Number& number, std::initializer_list<std::size_t> groups) {
  return std::ranges::equal(number.groups, groups);
}

bool HasSeparators(const Number& number, std::string_view allowed) {
  return number.separators.find_first_not_of(allowed) == std::string::npos;
}

// Day, month and year in any order that is written; or two years.
bool IsDate(const Number& number) {
  const auto is_year = [&](std::size_t at) {
    const std::string_view century = std::string_view(number.digits).substr(at, 2);
    return century == "19" || century == "20";
  };
  if (HasGroups(number, {4, 4})) return is_year(0) && is_year(4);
  if (number.groups.size() != 3) return false;
  if (number.groups[0] == 4) return number.groups[1] <= 2 && number.groups[2] <= 2 && is_year(0);
  return number.groups[0] <= 2 && number.groups[1] <= 2 &&
         (number.groups[2] == 2 || (number.groups[2] == 4 && is_year(number.digits.size() - 4)));
}

bool IsInternational(const Number& number) {
  const std::size_t count = number.digits.size();
  if (number.has_plus) {
    const bool is_sum = count <= 9 && std::all_of(number.groups.begin() + 1, number.groups.end(),
                                                  [](std::size_t group) { return group == 3; });
    return number.digits[0] != '0' && !is_sum &&
           count >= (number.groups.size() == 1 ? kMinUngrouped : kMinDigits);
  }
  return number.digits.starts_with("00") && number.digits[2] != '0' && number.groups.size() > 1 &&
         number.groups[0] >= 3 && number.groups[0] <= 5 && count >= kMinUngrouped;
}

// The plan of North America: "(415) 555-2671", "1-415-555-2671".
bool IsNorthAmerican(const Number& number) {
  const bool has_country = HasGroups(number, {1, 3, 3, 4}) && number.digits[0] == '1';
  if (!has_country && !HasGroups(number, {3, 3, 4})) return false;
  const std::size_t area = has_country ? 1 : 0;
  const bool in_plan = number.digits[area] >= '2' && number.digits[area + 3] >= '2';
  return in_plan &&
         (number.has_area_in_brackets || HasSeparators(number, "-") || HasSeparators(number, "."));
}

// With the 0 that is left out from abroad: "030 1234567", "0171/1234567", "01 23 45 67 89".
bool IsNational(const Number& number) {
  const std::size_t count = number.digits.size();
  if (number.digits[0] != '0' || number.digits[1] == '0') return false;
  if (number.groups.size() < 2 || number.groups.size() > 5 || count > 12) return false;
  if (HasGroups(number, {2, 2, 2, 2, 2}) || HasGroups(number, {2, 4, 4})) {
    return HasSeparators(number, " ");
  }
  if (number.groups[0] < 3 || number.groups[0] > 6) return false;
  if (number.has_area_in_brackets || number.separators[0] == '/') return count >= 9;
  return count >= 10 && HasSeparators(number, " -");
}

bool IsAfterPhoneWord(std::string_view text, std::size_t begin, const Number& number) {
  const std::size_t least = number.groups.size() == 1 ? 7 : 6;
  return number.digits.size() >= least && HasWordBefore(text, begin, kPhoneWords);
}

}  // namespace

std::optional<std::size_t> EndOfPhone(std::string_view text, std::size_t begin) {
  const char before = ByteBefore(text, begin);
  const bool is_marked = text[begin] == '+' || text[begin] == '(';
  const bool is_within = (before == ' ' || before == '-' || before == '.' || before == '/') &&
                         IsDigit(ByteBefore(text, begin, 2));
  if (IsInWord(before) || before == '+' || before == '$' || (is_within && !is_marked)) {
    return std::nullopt;
  }
  const Number number = ReadNumber(text, begin);
  const std::size_t count = number.digits.size();
  if (count < 6 || count > kMaxDigits + 2 || GoesOn(text, number.end) || IsDate(number)) {
    return std::nullopt;
  }
  const bool is_phone = (count <= kMaxDigits || number.digits.starts_with("00")) &&
                        (IsInternational(number) || IsNorthAmerican(number) || IsNational(number) ||
                         IsAfterPhoneWord(text, begin, number));
  return is_phone ? std::optional(number.end) : std::nullopt;
}

}  // namespace kinglet
