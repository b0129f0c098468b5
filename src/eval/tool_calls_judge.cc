// SPDX-License-Identifier: Apache-2.0
// The rule looks two levels into a value: lists of plain values, dicts, lists of dicts. What is
// deeper must be equal.
#include "eval/tool_calls_judge.h"

#include <algorithm>
#include <optional>

#include "base/display.h"

namespace kinglet {
namespace {

enum class Type : std::uint8_t { kNull, kBool, kInteger, kFloat, kString, kList, kDict };

Type TypeOf(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return Type::kNull;
    case json::kind::bool_:
      return Type::kBool;
    case json::kind::int64:
    case json::kind::uint64:
      return Type::kInteger;
    case json::kind::double_:
      return Type::kFloat;
    case json::kind::string:
      return Type::kString;
    case json::kind::array:
      return Type::kList;
    case json::kind::object:
      break;
  }
  return Type::kDict;
}

std::optional<Type> TypeNamed(std::string_view name) {
  if (name == "string" || name == "any") return Type::kString;
  if (name == "integer") return Type::kInteger;
  if (name == "float" || name == "number") return Type::kFloat;
  if (name == "boolean") return Type::kBool;
  if (name == "array" || name == "tuple") return Type::kList;
  if (name == "dict" || name == "object") return Type::kDict;
  return {};
}

// "April 1, 2024" is as good as "april 1 2024".
std::string Standard(std::string_view text) {
  std::string standard;
  for (const char c : text) {
    if (std::string_view(" ,./-_*^").contains(c)) continue;
    const bool is_capital = c >= 'A' && c <= 'Z';
    standard += is_capital ? static_cast<char>(c - 'A' + 'a') : c == '\'' ? '"' : c;
  }
  return standard;
}

// 1 and 1.0 are equal; strings are where their standard forms are, if so wished.
bool AreEqual(const json::value& a, const json::value& b, bool standardised) {
  if (a.is_string() && b.is_string()) {
    return standardised ? Standard(a.get_string()) == Standard(b.get_string()) : a == b;
  }
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

bool IsAmong(const json::value& value, const json::array& allowed, bool standardised) {
  return std::ranges::any_of(
      allowed, [&](const json::value& one) { return AreEqual(value, one, standardised); });
}

bool MayBeLeftOut(const json::value& allowed) {
  return allowed.is_array() && std::ranges::count(allowed.get_array(), json::value("")) > 0;
}

// Of the values that are right. Nothing: the argument may only be left out.
std::optional<Type> TypeOfAllowed(const json::array& allowed) {
  for (const json::value& one : allowed) {
    if (one != json::value("")) return TypeOf(one);
  }
  return {};
}

bool HasType(const json::value& value, Type wanted, const json::array& allowed) {
  // Where the values that are right have another type than the description says, a variable's name
  // as a rule, that is as good.
  return TypeOf(value) == wanted || TypeOf(value) == TypeOfAllowed(allowed);
}

bool HaveType(const json::array& items, Type wanted, const json::array& allowed) {
  return std::ranges::any_of(allowed, [&](const json::value& one) {
    return !one.is_array() || std::ranges::all_of(items, [&](const json::value& item) {
      return HasType(item, wanted, one.get_array());
    });
  });
}

bool IsList(const json::array& items, const json::value& allowed) {
  if (!allowed.is_array()) return items.empty() && allowed == json::value("");
  return std::ranges::equal(items, allowed.get_array(), [](const auto& a, const auto& b) {
    return AreEqual(a, b, /*standardised=*/true);
  });
}

bool IsDict(const json::value& value, const json::value& allowed) {
  const json::object* const members = value.if_object();
  const json::object* const wanted = allowed.if_object();
  if (members == nullptr || wanted == nullptr) return false;
  for (const auto& [name, member] : *members) {
    const json::value* const of_member = wanted->if_contains(name);
    if (of_member == nullptr || !of_member->is_array() ||
        !IsAmong(member, of_member->get_array(), /*standardised=*/true)) {
      return false;
    }
  }
  return std::ranges::all_of(*wanted, [&](const auto& member) {
    return members->contains(member.key()) || MayBeLeftOut(member.value());
  });
}

bool IsListOfDicts(const json::array& items, const json::value& allowed) {
  if (!allowed.is_array()) return items.empty() && allowed == json::value("");
  return std::ranges::equal(items, allowed.get_array(), IsDict);
}

// Why an argument's value is not one of those allowed.
std::string ValueFault(const json::value& given, const json::value& description,
                       const json::array& allowed) {
  const auto type_in = [](const json::value* of) -> std::optional<Type> {
    const json::value* const name = of == nullptr ? nullptr : Find(*of, "type");
    return name != nullptr && name->is_string() ? TypeNamed(name->get_string()) : std::nullopt;
  };
  const std::optional<Type> wanted = type_in(&description);
  if (!wanted) return "its type is not known";
  // Python makes a float of an integer where one is wanted.
  const json::value value = wanted == Type::kFloat && TypeOf(given) == Type::kInteger
                                ? json::value(given.to_number<double>())
                                : given;
  const json::value* const items = Find(description, "items");
  const std::optional<Type> of_items = type_in(wanted == Type::kList ? items : nullptr);
  if (!HasType(value, *wanted, allowed)) return "is of another type";
  if (TypeOf(value) == *wanted && of_items && !HaveType(value.get_array(), *of_items, allowed)) {
    return "has items of another type";
  }
  const std::optional<Type> of_allowed = TypeOfAllowed(allowed);
  const bool is_variable = of_allowed && *of_allowed != *wanted;
  const auto is_any = [&](auto matches) { return std::ranges::any_of(allowed, matches); };
  bool is_right = false;
  if (is_variable || TypeOf(value) != *wanted) {
    is_right = IsAmong(value, allowed, /*standardised=*/false);
  } else if (wanted == Type::kDict) {
    is_right = is_any([&](const json::value& one) { return IsDict(value, one); });
  } else if (wanted == Type::kList && of_items == Type::kDict) {
    is_right = is_any([&](const auto& one) { return IsListOfDicts(value.get_array(), one); });
  } else if (wanted == Type::kList) {
    is_right = is_any([&](const auto& one) { return IsList(value.get_array(), one); });
  } else {
    is_right = IsAmong(value, allowed, /*standardised=*/true);
  }
  return is_right ? "" : "is not one of " + ToJson(allowed);
}

const json::value* FunctionNamed(const json::array& functions, std::string_view name) {
  for (const json::value& function : functions) {
    const json::value* const of = Find(function, "name");
    if (of != nullptr && *of == json::value(name)) return &function;
  }
  return nullptr;
}

std::string CallFault(const json::array& functions, const json::value& expected,
                      const MadeCall& call) {
  if (!expected.is_object() || expected.get_object().size() != 1 ||
      !expected.get_object().begin()->value().is_object()) {
    return "the expected call is none";
  }
  const std::string_view name = expected.get_object().begin()->key();
  const json::object& allowed = expected.get_object().begin()->value().get_object();
  const json::value* const function = FunctionNamed(functions, name);
  const json::value* const parameters =
      function == nullptr ? nullptr : Find(*function, "parameters");
  if (parameters == nullptr) return fmt::format("{} is not described", Quoted(name));
  if (call.name != SentName(name)) {
    return fmt::format("{} is called, not {}", Quoted(call.name), Quoted(name));
  }
  if (const json::value* const required = Find(*parameters, "required");
      required != nullptr && required->is_array()) {
    for (const json::value& one : required->get_array()) {
      if (one.is_string() && !call.arguments.contains(one.get_string()))
        return fmt::format("{} is missing", Quoted(one.get_string()));
    }
  }
  const json::value* const properties = Find(*parameters, "properties");
  for (const auto& [argument, value] : call.arguments) {
    const json::value* const description =
        properties == nullptr ? nullptr : Find(*properties, argument);
    const json::value* const values = allowed.if_contains(argument);
    if (description == nullptr || values == nullptr || !values->is_array())
      return fmt::format("{} is not expected", Quoted(argument));
    const std::string fault = ValueFault(value, *description, values->get_array());
    if (!fault.empty()) {
      return fmt::format("{}: {} {}", Quoted(argument), Quoted(ToJson(value), 200), fault);
    }
  }
  for (const auto& [argument, values] : allowed) {
    if (!call.arguments.contains(argument) && !MayBeLeftOut(values))
      return fmt::format("{} is left out", Quoted(argument));
  }
  return {};
}

}  // namespace

std::string SentName(std::string_view function_name) {
  std::string name(function_name);
  std::ranges::replace(name, '.', '_');
  return name;
}

std::string Fault(const json::array& functions, const json::array& expected,
                  const std::vector<MadeCall>& calls) {
  if (calls.size() != expected.size()) {
    return fmt::format("{} calls, where {} are expected", calls.size(), expected.size());
  }
  // Each expected call takes the first that is right and not taken.
  std::vector<bool> is_taken(calls.size());
  for (const json::value& one : expected) {
    std::string fault;
    std::size_t at = 0;
    for (; at < calls.size(); ++at) {
      if (is_taken[at]) continue;
      const std::string of_call = CallFault(functions, one, calls[at]);
      if (of_call.empty()) break;
      if (fault.empty()) fault = of_call;
    }
    if (at == calls.size()) return fault;
    is_taken[at] = true;
  }
  return {};
}

}  // namespace kinglet
