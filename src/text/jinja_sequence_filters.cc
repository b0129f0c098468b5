// SPDX-License-Identifier: Apache-2.0
// Lists in, lists out. What is lazy in Python is computed at once here, and still called a
// generator: it can be walked, but has no length.
#include "text/jinja_sequence_filters.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_text_functions.h"

namespace kinglet::jinja {
namespace {

// The parts of an attribute argument: "a.b" is two, "a.0" a name and an index.
Result<std::vector<Value>> PathOf(const Value& attribute) {
  std::vector<Value> parts;
  if (attribute.IsUndefined() || attribute.IsNone()) return parts;
  if (attribute.IfText() == nullptr) {
    const std::int64_t index = TRY(IntegerArgument(attribute, "attribute", 0));
    return std::vector{Value(index)};
  }
  std::string_view rest = attribute.IfText()->bytes();
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    std::int64_t index = 0;
    const char* end = part.data() + part.size();
    const bool is_index =
        !part.empty() && part.front() != '-' && std::from_chars(part.data(), end, index).ptr == end;
    parts.push_back(is_index ? Value(index) : Value::OfLiteral(part));
    if (dot == rest.size()) return parts;
    rest.remove_prefix(dot + 1);
  }
}

// The item that the path leads to; `fallback`, where it is defined, for what is undefined.
Result<Value> Follow(Value item, const std::vector<Value>& path, const Value& fallback,
                     Budget& budget) {
  for (const Value& part : path) {
    item = TRY(GetItem(item, part, budget));
    if (item.IsUndefined() && !fallback.IsUndefined() && !fallback.IsNone()) item = fallback;
  }
  return item;
}

// What a value is sorted and compared by: its attribute, texts in lower case unless case matters.
Result<Value> KeyOf(const Value& item, const std::vector<Value>& path, bool case_sensitive,
                    Budget& budget) {
  Value key = TRY(Follow(item, path, Value(), budget));
  if (case_sensitive || key.IfText() == nullptr) return key;
  return Lower(key, {}, budget);
}

Result<Value> SortByKeys(std::vector<Value> items, const std::vector<Value>& keys, bool reverse,
                         Budget& budget) {
  const std::vector<std::size_t> order = TRY(SortedOrder(keys, reverse, budget));
  std::vector<Value> sorted;
  sorted.reserve(items.size());
  for (const std::size_t i : order) sorted.push_back(std::move(items[i]));
  return budget.Make(std::move(sorted));
}

// The item whose key is the least (or the greatest), the first of equal ones.
Result<Value> Extreme(const Value& input, const Arguments& arguments, bool greatest,
                      Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"case_sensitive", "attribute"}));
  const std::vector<Value> items = TRY(Iterate(input, budget));
  const std::vector<Value> path = TRY(PathOf(bound[1]));
  if (items.empty()) return Value::OfUndefined("no aggregated item, sequence was empty");
  Value best = items[0];
  Value best_key = TRY(KeyOf(best, path, bound[0].IsTrue(), budget));
  for (std::size_t i = 1; i < items.size(); ++i) {
    Value key = TRY(KeyOf(items[i], path, bound[0].IsTrue(), budget));
    const bool is_better =
        greatest ? TRY(Less(best_key, key, budget)) : TRY(Less(key, best_key, budget));
    if (!is_better) continue;
    best = items[i];
    best_key = std::move(key);
  }
  return best;
}

// The items that a test holds for (or does not): select, reject and their kin with an attribute.
Result<Value> Filter(const Value& input, const Arguments& arguments, bool by_attribute, bool wanted,
                     Budget& budget) {
  if (!input.IsTrue()) return budget.Make(std::vector<Value>{}, SequenceKind::kGenerator);
  std::vector<Value> path;
  std::size_t used = 0;
  if (by_attribute) {
    if (arguments.positional.empty()) return TemplateError("missing parameter for attribute name");
    path = TRY(PathOf(arguments.positional[0]));
    used = 1;
  }
  const NamedFunction* test = nullptr;
  Arguments test_arguments{{}, arguments.named};
  if (used < arguments.positional.size()) {
    const std::string& name = TRY(TextArgument(arguments.positional[used], "test"))->bytes();
    test = FindTest(name);
    if (test == nullptr) return TemplateError("there is no test '{}'", name);
    test_arguments.positional.assign(
        arguments.positional.begin() + static_cast<std::ptrdiff_t>(used) + 1,
        arguments.positional.end());
  }
  std::vector<Value> kept;
  const std::vector<Value> items = TRY(Iterate(input, budget));
  for (const Value& item : items) {
    TRY(budget.Step());
    Value tested = TRY(Follow(item, path, Value(), budget));
    if (test != nullptr) tested = TRY(test->function(tested, test_arguments, budget));
    if (tested.IsTrue() == wanted) kept.push_back(item);
  }
  return budget.Make(std::move(kept), SequenceKind::kGenerator);
}

}  // namespace

Result<Value> Attribute(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"name"}, 1));
  const Text* name = TRY(TextArgument(bound[0], "name"));
  if (input.IfDict() != nullptr && FindMethod(input, name->bytes()) == nullptr) {
    return Value::OfUndefined(fmt::format("'dict object' has no attribute '{}'", name->bytes()));
  }
  return GetAttribute(input, name->bytes(), budget);
}

Result<Value> ItemPairs(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  std::vector<Value> items;
  if (const Dict* dict = input.IfDict()) {
    for (const auto& [key, value] : dict->entries) {
      items.push_back(TRY(budget.Make(std::vector{key, value}, SequenceKind::kTuple)));
    }
  } else if (!input.IsUndefined()) {
    return TemplateError("can only get item pairs from a mapping, not {}", input.TypeName());
  }
  return budget.Make(std::move(items), SequenceKind::kGenerator);
}

Result<Value> DictSort(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"case_sensitive", "by", "reverse"}));
  const Dict* dict = input.IfDict();
  if (dict == nullptr) {
    if (input.IsUndefined()) return UndefinedError(input);
    return TemplateError("'{}' object has no items to sort", input.TypeName());
  }
  const bool by_value = bound[1].IfText() != nullptr && bound[1].IfText()->bytes() == "value";
  std::vector<Value> items;
  std::vector<Value> keys;
  for (const auto& [key, value] : dict->entries) {
    items.push_back(TRY(budget.Make(std::vector{key, value}, SequenceKind::kTuple)));
    keys.push_back(TRY(KeyOf(by_value ? value : key, {}, bound[0].IsTrue(), budget)));
  }
  return SortByKeys(std::move(items), keys, bound[2].IsTrue(), budget);
}

Result<Value> Sort(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"reverse", "case_sensitive", "attribute"}));
  std::vector<Value> items = TRY(Iterate(input, budget));
  const std::vector<Value> path = TRY(PathOf(bound[2]));
  std::vector<Value> keys;
  for (const Value& item : items) {
    keys.push_back(TRY(KeyOf(item, path, bound[1].IsTrue(), budget)));
  }
  return SortByKeys(std::move(items), keys, bound[0].IsTrue(), budget);
}

Result<Value> Unique(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"case_sensitive", "attribute"}));
  const std::vector<Value> items = TRY(Iterate(input, budget));
  const std::vector<Value> path = TRY(PathOf(bound[1]));
  std::vector<Value> kept;
  std::vector<Value> seen;
  for (const Value& item : items) {
    Value key = TRY(KeyOf(item, path, bound[0].IsTrue(), budget));
    bool is_new = true;
    for (const Value& old : seen) {
      if (TRY(Equal(old, key, budget))) is_new = false;
    }
    if (!is_new) continue;
    seen.push_back(std::move(key));
    kept.push_back(item);
  }
  return budget.Make(std::move(kept), SequenceKind::kGenerator);
}

Result<Value> Minimum(const Value& input, const Arguments& arguments, Budget& budget) {
  return Extreme(input, arguments, false, budget);
}

Result<Value> Maximum(const Value& input, const Arguments& arguments, Budget& budget) {
  return Extreme(input, arguments, true, budget);
}

Result<Value> Sum(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"attribute", "start"}));
  const std::vector<Value> items = TRY(Iterate(input, budget));
  const std::vector<Value> path = TRY(PathOf(bound[0]));
  Value total = bound[1].IsUndefined() ? Value(std::int64_t{0}) : bound[1];
  for (const Value& item : items) {
    const Value term = TRY(Follow(item, path, Value(), budget));
    total = TRY(Calculate(Operator::kAdd, total, term, budget));
  }
  return total;
}

Result<Value> JoinTexts(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"d", "attribute"}));
  const std::vector<Value> items = TRY(Iterate(input, budget));
  const std::vector<Value> path = TRY(PathOf(bound[1]));
  Text out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) TRY(AppendStr(bound[0], out, budget));
    const Value item = TRY(Follow(items[i], path, Value(), budget));
    TRY(AppendStr(item, out, budget));
  }
  return budget.Make(std::move(out));
}

Result<Value> ToList(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  std::vector<Value> items = TRY(Iterate(input, budget));
  return budget.Make(std::move(items));
}

Result<Value> First(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  if (input.IfText() != nullptr && !input.IfText()->empty()) {
    return GetItem(input, Value(std::int64_t{0}), budget);
  }
  const std::vector<Value> items = TRY(Iterate(input, budget));
  return items.empty() ? Value::OfUndefined("no first item, sequence was empty") : items.front();
}

Result<Value> Last(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  const std::vector<Value> items = TRY(Iterate(input, budget));
  return items.empty() ? Value::OfUndefined("no last item, sequence was empty") : items.back();
}

Result<Value> Reverse(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  if (input.IfText() != nullptr) {
    return Slice(input, Value(), Value(), Value(std::int64_t{-1}), budget);
  }
  std::vector<Value> items = TRY(Iterate(input, budget));
  std::ranges::reverse(items);
  return budget.Make(std::move(items), SequenceKind::kGenerator);
}

Result<Value> Map(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto level = TRY(budget.Descend());  // a filter to map may be map itself
  if (!input.IsTrue()) return budget.Make(std::vector<Value>{}, SequenceKind::kGenerator);
  std::vector<Value> items = TRY(Iterate(input, budget));
  if (arguments.positional.empty()) {
    const std::vector<Value> bound = TRY(Bind(arguments, {"attribute", "default"}, 1));
    const std::vector<Value> path = TRY(PathOf(bound[0]));
    for (Value& item : items) item = TRY(Follow(item, path, bound[1], budget));
    return budget.Make(std::move(items), SequenceKind::kGenerator);
  }
  const std::string& name = TRY(TextArgument(arguments.positional[0], "filter"))->bytes();
  const NamedFunction* filter = FindFilter(name);
  if (filter == nullptr) return TemplateError("there is no filter '{}'", name);
  const Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()},
                       arguments.named};
  for (Value& item : items) {
    TRY(budget.Step());
    item = TRY(filter->function(item, rest, budget));
  }
  return budget.Make(std::move(items), SequenceKind::kGenerator);
}

Result<Value> Select(const Value& input, const Arguments& arguments, Budget& budget) {
  return Filter(input, arguments, false, true, budget);
}

Result<Value> Reject(const Value& input, const Arguments& arguments, Budget& budget) {
  return Filter(input, arguments, false, false, budget);
}

Result<Value> SelectAttribute(const Value& input, const Arguments& arguments, Budget& budget) {
  return Filter(input, arguments, true, true, budget);
}

Result<Value> RejectAttribute(const Value& input, const Arguments& arguments, Budget& budget) {
  return Filter(input, arguments, true, false, budget);
}

}  // namespace kinglet::jinja
