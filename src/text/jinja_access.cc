// SPDX-License-Identifier: Apache-2.0
// object.name, object[key] and the binding of arguments to parameters.
#include <algorithm>
#include <array>

#include "text/jinja_builtins.h"

namespace kinglet::jinja {

Result<std::vector<Value>> Bind(const Arguments& arguments,
                                std::initializer_list<std::string_view> parameters,
                                std::size_t required) {
  if (arguments.positional.size() > parameters.size()) {
    return TemplateError("{} arguments, at most {} are taken", arguments.positional.size(),
                         parameters.size());
  }
  std::vector<Value> bound = arguments.positional;
  bound.resize(parameters.size());
  std::size_t given = arguments.positional.size();
  for (const auto& [name, value] : arguments.named) {
    const auto* parameter = std::ranges::find(parameters, name);
    const auto index = static_cast<std::size_t>(parameter - parameters.begin());
    if (parameter == parameters.end()) return TemplateError("unknown argument '{}'", name);
    if (index < arguments.positional.size()) return TemplateError("two arguments '{}'", name);
    bound[index] = value;
    if (index < required) ++given;
  }
  if (given < required) return TemplateError("{} arguments are needed, not {}", required, given);
  return bound;
}

namespace {

// Names of methods that would change the object, which the sandbox of chat templates forbids.
bool IsMutator(const Value& object, std::string_view name) {
  constexpr std::array<std::string_view, 8> kOfLists = {"append", "clear",  "extend",  "insert",
                                                        "pop",    "remove", "reverse", "sort"};
  constexpr std::array<std::string_view, 5> kOfDicts = {"clear", "pop", "popitem", "setdefault",
                                                        "update"};
  const Sequence* sequence = object.IfSequence();
  if (sequence != nullptr && sequence->kind == SequenceKind::kList) {
    return std::ranges::find(kOfLists, name) != kOfLists.end();
  }
  return object.IfDict() != nullptr && std::ranges::find(kOfDicts, name) != kOfDicts.end();
}

// What Jinja calls the object in "... has no attribute".
std::string Describe(const Value& object) {
  if (object.IsNone()) return "None";
  return fmt::format("'{} object'", object.TypeName());
}

// A method, as a value that is defined; undefined where there is none.
Value MethodValue(const Value& object, std::string_view name) {
  if (const NamedFunction* method = FindMethod(object, name)) return Value(Builtin{method->name});
  if (IsMutator(object, name)) {
    return Value::OfUndefined(
        fmt::format("access to attribute '{}' of '{}' object is unsafe", name, object.TypeName()));
  }
  return Value::OfUndefined(fmt::format("{} has no attribute '{}'", Describe(object), name));
}

}  // namespace

Result<Value> GetAttribute(const Value& object, std::string_view name, Budget& budget) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (const Namespace* space = object.IfNamespace()) {
    TRY(budget.Step(1 + space->attributes.size() / 16));
    for (const auto& [attribute, value] : space->attributes) {
      if (attribute == name) return value;
    }
  }
  if (const Dict* dict = object.IfDict();
      dict != nullptr && FindMethod(object, name) == nullptr && !IsMutator(object, name)) {
    TRY(budget.Step(1 + dict->entries.size() / 16));
    if (const Value* value = dict->Find(name)) return *value;
  }
  return MethodValue(object, name);
}

Result<Value> GetItem(const Value& object, const Value& key, Budget& budget) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (const Dict* dict = object.IfDict()) {
    const Value* value = TRY(FindKey(*dict, key, budget));
    if (value != nullptr) return *value;
    if (key.IfText() != nullptr) return MethodValue(object, key.IfText()->bytes());
    return Value::OfUndefined("'dict object' has no such key");
  }
  if (const Text* name = key.IfText()) return GetAttribute(object, name->bytes(), budget);
  std::int64_t index = 0;
  const Sequence* sequence = object.IfSequence();
  const bool is_indexable =
      object.IfText() != nullptr || (sequence != nullptr && sequence->kind != SequenceKind::kView &&
                                     sequence->kind != SequenceKind::kGenerator);
  if (!is_indexable || !key.AsInteger(index)) {
    return Value::OfUndefined(fmt::format("{} has no such item", Describe(object)));
  }
  if (index < 0) index += TRY(Length(object, budget));
  if (sequence != nullptr) {
    if (index >= 0 && index < static_cast<std::int64_t>(sequence->items.size())) {
      return sequence->items[static_cast<std::size_t>(index)];
    }
  } else if (index >= 0) {
    const Text& text = *object.IfText();
    TRY(budget.Step(1 + text.size() / 64));
    const std::size_t offset = OffsetOfCharacter(text.bytes(), static_cast<std::size_t>(index));
    if (offset < text.size()) {
      return budget.Make(text.Slice(offset, offset + CharacterAt(text.bytes(), offset).bytes));
    }
  }
  return Value::OfUndefined(fmt::format("{} has no item {}", Describe(object), index));
}

}  // namespace kinglet::jinja
