// SPDX-License-Identifier: Apache-2.0
// The keywords of each type: what they ask of a number, a string, an array, an object.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include <boost/json/string.hpp>

#include "base/utf8.h"
#include "grammar/exact_json.h"
#include "grammar/json_formats.h"
#include "grammar/validator_check.h"

namespace kinglet::validation {
namespace {

namespace json = boost::json;

constexpr std::int64_t kStepsOfFormat = 48;  // an international name takes the most

std::int64_t StepsOf(std::size_t bytes) { return static_cast<std::int64_t>(bytes / 8) + 1; }

const json::value* Number(const SchemaPart& part, Keyword keyword) {
  const json::value* const value = part[keyword];
  return value != nullptr && value->is_number() ? value : nullptr;
}
const json::string* Text(const SchemaPart& part, Keyword keyword) {
  const json::value* const value = part[keyword];
  return value == nullptr ? nullptr : value->if_string();
}
const json::array* List(const SchemaPart& part, Keyword keyword) {
  const json::value* const value = part[keyword];
  return value == nullptr ? nullptr : value->if_array();
}
const json::object* Members(const SchemaPart& part, Keyword keyword) {
  const json::value* const value = part[keyword];
  return value == nullptr ? nullptr : value->if_object();
}
bool IsTrue(const SchemaPart& part, Keyword keyword) {
  const json::value* const value = part[keyword];
  return value != nullptr && value->is_bool() && value->get_bool();
}

// OpenAPI's formats of numbers; every number has any other.
bool HasNumberFormat(const json::value& number, std::string_view format) {
  struct Range {
    std::string_view name;
    json::value least, most;
  };
  static const std::array<Range, 4> kRanges = {
      {{"int32", std::numeric_limits<std::int32_t>::min(),
        std::numeric_limits<std::int32_t>::max()},
       {"int64", std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max()},
       {"uint32", 0, std::numeric_limits<std::uint32_t>::max()},
       {"uint64", 0, std::numeric_limits<std::uint64_t>::max()}}};
  const auto* const range = std::ranges::find(kRanges, format, &Range::name);
  return range == kRanges.end() ||
         (IsIntegral(number) && CompareNumbers(number, range->least) >= 0 &&
          CompareNumbers(number, range->most) <= 0);
}

std::size_t CharactersOf(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(DecodeUtf8(text).size_bytes);
  return count;
}

}  // namespace

bool ValueCheck::CheckAnyValue(const SchemaPart& part, const json::value& value) {
  if (const json::value* const type = part[Keyword::kType]) {
    const json::array* const types = type->if_array();
    const auto is_type = [&](const json::value& each) {
      return Spend(1) && each.is_string() && IsType(part, value, each.get_string());
    };
    if (types == nullptr ? !is_type(*type) : std::ranges::none_of(*types, is_type))
      return Fail(Keyword::kType);
  }
  const auto is_equal = [&](const json::value& each) {
    std::int64_t steps = 0;
    const bool equal = AreEqual(each, value, steps);
    return Spend(steps) && equal;
  };
  const json::array* const values = List(part, Keyword::kEnum);
  if (values != nullptr && std::ranges::none_of(*values, is_equal)) return Fail(Keyword::kEnum);
  const json::value* const constant = part[Keyword::kConst];
  return constant == nullptr || is_equal(*constant) || Fail(Keyword::kConst);
}

bool ValueCheck::IsType(const SchemaPart& part, const json::value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "any") return true;  // of draft 3
  if (type != "integer" || !value.is_number()) return false;
  // Draft 4 asks how it is written. What no 64 bits hold is a double, however it was.
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (schema_.ResourceOf(part).draft == JsonSchemaDraft::k4 && value.is_double() &&
      std::abs(value.get_double()) < kTwoTo63) {
    return false;
  }
  return IsIntegral(value);
}

bool ValueCheck::CheckNumber(const SchemaPart& part, const json::value& number) {
  if (const json::value* const min = Number(part, Keyword::kMinimum)) {
    const auto order = CompareNumbers(number, *min);
    if (order < 0) return Fail(Keyword::kMinimum);
    if (order == 0 && IsTrue(part, Keyword::kExclusiveMinimum))
      return Fail(Keyword::kExclusiveMinimum);
  }
  if (const json::value* const max = Number(part, Keyword::kMaximum)) {
    const auto order = CompareNumbers(number, *max);
    if (order > 0) return Fail(Keyword::kMaximum);
    if (order == 0 && IsTrue(part, Keyword::kExclusiveMaximum))
      return Fail(Keyword::kExclusiveMaximum);
  }
  const json::value* const above = Number(part, Keyword::kExclusiveMinimum);
  if (above != nullptr && CompareNumbers(number, *above) <= 0)
    return Fail(Keyword::kExclusiveMinimum);
  const json::value* const below = Number(part, Keyword::kExclusiveMaximum);
  if (below != nullptr && CompareNumbers(number, *below) >= 0)
    return Fail(Keyword::kExclusiveMaximum);
  const json::string* const format = Text(part, Keyword::kFormat);
  if (format != nullptr && options_.check_formats) {
    if (!Spend(kStepsOfFormat)) return false;
    if (!HasNumberFormat(number, *format)) return Fail(Keyword::kFormat);
  }
  const json::value* const divisor = Number(part, Keyword::kMultipleOf);
  if (divisor == nullptr) return true;
  constexpr std::int64_t kStepsOfDivision = 64;  // of numbers with some 650 digits at most
  if (!Spend(kStepsOfDivision)) return false;
  return IsMultipleOf(number, *divisor) || Fail(Keyword::kMultipleOf);
}

bool ValueCheck::CheckString(const SchemaPart& part, std::string_view text) {
  if (part[Keyword::kMinLength] != nullptr || part[Keyword::kMaxLength] != nullptr) {
    if (!Spend(StepsOf(text.size())) ||
        !CheckCount(part, CharactersOf(text), Keyword::kMinLength, Keyword::kMaxLength))
      return false;
  }
  const json::string* const pattern = Text(part, Keyword::kPattern);
  if (pattern != nullptr && !IsFound(*pattern, text)) return Fail(Keyword::kPattern);
  const json::string* const format = Text(part, Keyword::kFormat);
  if (format == nullptr || !options_.check_formats) return true;
  if (!Spend(kStepsOfFormat + StepsOf(text.size()))) return false;
  return HasFormat(text, *format) || Fail(Keyword::kFormat);
}

bool ValueCheck::CheckArray(const SchemaPart& part, const json::array& items, Seen& seen) {
  return CheckCount(part, items.size(), Keyword::kMinItems, Keyword::kMaxItems) &&
         (!IsTrue(part, Keyword::kUniqueItems) || CheckUnique(items)) &&
         CheckItems(part, items, seen) && CheckContains(part, items, seen);
}

bool ValueCheck::CheckUnique(const json::array& items) {
  if (items.size() < 2) return true;
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (const json::value& item : items) {
    texts.push_back(CanonicalText(item));
    if (!Spend(StepsOf(texts.back().size()))) return false;
  }
  std::ranges::sort(texts);
  return std::ranges::adjacent_find(texts) == texts.end() || Fail(Keyword::kUniqueItems);
}

bool ValueCheck::CheckItems(const SchemaPart& part, const json::array& items, Seen& seen) {
  const json::array* prefix = List(part, Keyword::kPrefixItems);
  const json::value* rest = part[Keyword::kItems];
  Keyword by_prefix = Keyword::kPrefixItems;
  Keyword by_rest = Keyword::kItems;
  if (rest != nullptr && rest->is_array()) {
    prefix = &rest->get_array();
    rest = part[Keyword::kAdditionalItems];
    by_prefix = Keyword::kItems;
    by_rest = Keyword::kAdditionalItems;
  }
  const std::size_t prefix_size = prefix == nullptr ? 0 : prefix->size();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool is_first = i < prefix_size;
    const json::value* const schema = is_first ? &(*prefix)[i] : rest;
    if (schema == nullptr) break;
    if (!CheckInside(*schema, items[i], is_first ? by_prefix : by_rest, i)) return false;
    if (!seen.empty()) seen[i] = true;
  }
  return true;
}

// In 2019-09 an item that is contained has not been looked at.
bool ValueCheck::CheckContains(const SchemaPart& part, const json::array& items, Seen& seen) {
  const json::value* const contains = part[Keyword::kContains];
  if (contains == nullptr) return true;
  const bool marks = schema_.ResourceOf(part).draft >= JsonSchemaDraft::k2020 && !seen.empty();
  const bool counts = Number(part, Keyword::kMinContains) || Number(part, Keyword::kMaxContains);
  std::size_t count = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (CheckInside(*contains, items[i], Keyword::kContains, i)) {
      ++count;
      if (marks) seen[i] = true;
    }
    if (has_stopped()) return false;
    if (count > 0 && !marks && !counts) return true;
  }
  if (count == 0 && Number(part, Keyword::kMinContains) == nullptr) return Fail(Keyword::kContains);
  return CheckCount(part, count, Keyword::kMinContains, Keyword::kMaxContains);
}

bool ValueCheck::CheckObject(const SchemaPart& part, const json::object& members, Seen& seen) {
  if (!CheckCount(part, members.size(), Keyword::kMinProperties, Keyword::kMaxProperties))
    return false;
  const json::array* const required = List(part, Keyword::kRequired);
  if (required != nullptr && !HasAll(*part[Keyword::kRequired], members))
    return Fail(Keyword::kRequired);
  if (!CheckNames(part, members)) return false;
  std::size_t i = 0;
  for (const json::key_value_pair& member : members) {
    bool is_known = false;
    if (!CheckMember(part, member, is_known)) return false;
    if (is_known && !seen.empty()) seen[i] = true;
    ++i;
  }
  return true;
}

bool ValueCheck::CheckMember(const SchemaPart& part, const json::key_value_pair& member,
                             bool& is_known) {
  const std::string_view name = member.key();
  if (!Spend(StepsOf(name.size()))) return false;
  const json::object* const properties = Members(part, Keyword::kProperties);
  const json::value* const schema = properties == nullptr ? nullptr : properties->if_contains(name);
  if (schema != nullptr) {
    is_known = true;
    if (!CheckInside(*schema, member.value(), Keyword::kProperties, name)) return false;
  }
  if (const json::object* const by_pattern = Members(part, Keyword::kPatternProperties)) {
    for (const json::key_value_pair& pattern : *by_pattern) {
      if (!IsFound(pattern.key(), name)) {
        if (has_stopped()) return false;
        continue;
      }
      is_known = true;
      if (!CheckInside(pattern.value(), member.value(), Keyword::kPatternProperties, name))
        return false;
    }
  }
  const json::value* const additional = part[Keyword::kAdditionalProperties];
  if (is_known || additional == nullptr) return true;
  is_known = true;
  return CheckInside(*additional, member.value(), Keyword::kAdditionalProperties, name);
}

bool ValueCheck::CheckNames(const SchemaPart& part, const json::object& members) {
  const json::value* const names = part[Keyword::kPropertyNames];
  if (names == nullptr) return true;
  return std::ranges::all_of(members, [&](const json::key_value_pair& member) {
    const std::string_view name = member.key();
    return Spend(StepsOf(name.size())) &&
           CheckInside(*names, json::value(name), Keyword::kPropertyNames, name);
  });
}

bool ValueCheck::CheckDependencies(const SchemaPart& part, const json::value& value, Seen& seen) {
  const json::object& members = value.get_object();
  for (const Keyword keyword :
       {Keyword::kDependencies, Keyword::kDependentRequired, Keyword::kDependentSchemas}) {
    const json::object* const dependencies = Members(part, keyword);
    if (dependencies == nullptr) continue;
    for (const json::key_value_pair& dependency : *dependencies) {
      if (!Spend(StepsOf(dependency.key().size()))) return false;
      if (!members.contains(dependency.key())) continue;
      const json::value& needed = dependency.value();
      const bool is_schema =
          keyword == Keyword::kDependentSchemas ||
          (keyword == Keyword::kDependencies && !needed.is_array() && !needed.is_string());
      if (is_schema) {
        if (!CheckHere(needed, value, keyword, seen)) return false;
      } else if (!HasAll(needed, members)) {
        return Fail(keyword);
      }
    }
  }
  return true;
}

// A list of names, or in draft 3 one name.
bool ValueCheck::HasAll(const json::value& names, const json::object& members) {
  if (const json::string* const one = names.if_string()) return members.contains(*one);
  const json::array* const list = names.if_array();
  return list == nullptr || std::ranges::all_of(*list, [&](const json::value& each) {
           const json::string* const name = each.if_string();
           return name == nullptr || (Spend(StepsOf(name->size())) && members.contains(*name));
         });
}

bool ValueCheck::CheckCount(const SchemaPart& part, std::size_t count, Keyword min, Keyword max) {
  const json::value* const least = Number(part, min);
  if (least != nullptr && CompareCount(count, *least) < 0) return Fail(min);
  const json::value* const most = Number(part, max);
  return most == nullptr || CompareCount(count, *most) <= 0 || Fail(max);
}

bool ValueCheck::IsFound(std::string_view pattern, std::string_view text) {
  const auto found = schema_.PatternOf(pattern).IsFoundIn(text, steps_left_);
  if (found) return *found;
  return Spend(0) && Stop(fmt::format("the pattern {:?} takes too long", pattern));
}

}  // namespace kinglet::validation
