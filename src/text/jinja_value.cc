// SPDX-License-Identifier: Apache-2.0
// Truth, equality, order and iteration of values as in Python, and the budget that pays for them.
#include "text/jinja_value.h"

#include <algorithm>
#include <array>

#include "text/chat_template.h"

namespace kinglet::jinja {

bool Value::AsInteger(std::int64_t& integer) const {
  if (const auto* number = If<std::int64_t>()) {
    integer = *number;
    return true;
  }
  if (const auto* truth = If<bool>()) {
    integer = *truth ? 1 : 0;
    return true;
  }
  return false;
}

bool Value::AsNumber(double& number) const {
  if (const auto* real = If<double>()) {
    number = *real;
    return true;
  }
  std::int64_t integer = 0;
  if (!AsInteger(integer)) return false;
  number = static_cast<double>(integer);
  return true;
}

bool Value::IsTrue() const {
  if (IsUndefined() || IsNone()) return false;
  double number = 0;
  if (AsNumber(number)) return number != 0;
  if (const Text* text = IfText()) return !text->empty();
  if (const Sequence* sequence = IfSequence()) {
    return sequence->kind == SequenceKind::kGenerator || !sequence->items.empty();
  }
  if (const Dict* dict = IfDict()) return !dict->entries.empty();
  return true;
}

std::string_view Value::TypeName() const {
  if (const Sequence* sequence = IfSequence()) {
    constexpr std::array<std::string_view, 5> kNames = {"list", "tuple", "range", "dict view",
                                                        "generator"};
    return kNames.at(static_cast<std::size_t>(sequence->kind));
  }
  constexpr std::array<std::string_view, std::variant_size_v<Variant>> kNames = {
      "Undefined", "NoneType", "bool",      "int",  "float", "str",
      "list",      "dict",     "Namespace", "loop", "macro", "builtin function"};
  return kNames.at(variant_.index());
}

std::size_t Value::depth() const {
  if (const Sequence* sequence = IfSequence()) return sequence->depth;
  if (const Dict* dict = IfDict()) return dict->depth;
  return 0;
}

const Value* Dict::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    const Text* text = name.IfText();
    if (text != nullptr && text->bytes() == key) return &value;
  }
  return nullptr;
}

Budget::Budget(const RenderLimits& limits)
    : limits_(limits),
      levels_left_(limits.max_depth),
      steps_left_(limits.max_steps),
      bytes_left_(limits.max_value_bytes) {}

Result<Budget::Level> Budget::Descend() {
  if (levels_left_ == 0) {
    return Error(StatusCode::kLimitExceeded, "evaluations more than {} deep", limits_.max_depth);
  }
  return Level(levels_left_);
}

Result<void> Budget::Step(std::size_t count) {
  if (count > steps_left_) {
    return Error(StatusCode::kLimitExceeded, "more than {} steps: the template never ends",
                 limits_.max_steps);
  }
  steps_left_ -= count;
  return {};
}

Result<void> Budget::Reserve(std::size_t bytes) {
  if (bytes > bytes_left_) {
    return Error(StatusCode::kLimitExceeded, "values of more than {} bytes",
                 limits_.max_value_bytes);
  }
  bytes_left_ -= bytes;
  return {};
}

Result<Value> Budget::Make(Text text) {
  TRY(Reserve(sizeof(Text) + text.size() + text.data().size_bytes()));
  return Value::OfText(std::move(text));
}

Result<Value> Budget::Make(std::vector<Value> items, SequenceKind kind) {
  TRY(Reserve(sizeof(Sequence) + items.size() * sizeof(Value)));
  auto sequence = std::make_shared<Sequence>();
  for (const Value& item : items) sequence->depth = std::max(sequence->depth, item.depth() + 1);
  if (sequence->depth > kMaxValueDepth) {
    return Error(StatusCode::kLimitExceeded, "lists nested more than {} deep", kMaxValueDepth);
  }
  sequence->kind = kind;
  sequence->items = std::move(items);
  return Value(std::shared_ptr<const Sequence>(std::move(sequence)));
}

Result<Value> Budget::MakeDict(std::vector<std::pair<Value, Value>> entries) {
  TRY(Reserve(sizeof(Dict) + entries.size() * sizeof(entries[0])));
  auto dict = std::make_shared<Dict>();
  for (auto& [key, value] : entries) {
    if (key.depth() > 0) return TemplateError("unhashable type: '{}'", key.TypeName());
    dict->depth = std::max(dict->depth, value.depth() + 1);
    const Value* old = TRY(FindKey(*dict, key, *this));
    if (old != nullptr) {
      *const_cast<Value*>(old) = std::move(value);  // NOLINT: the dict is still ours alone
    } else {
      dict->entries.emplace_back(std::move(key), std::move(value));
    }
  }
  if (dict->depth > kMaxValueDepth) {
    return Error(StatusCode::kLimitExceeded, "dicts nested more than {} deep", kMaxValueDepth);
  }
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

std::unexpected<Status> UndefinedError(const Value& value) {
  const auto* undefined = value.If<Undefined>();
  if (undefined != nullptr && undefined->why != nullptr) {
    return TemplateError("{}", *undefined->why);
  }
  return TemplateError("a value is undefined");
}

namespace {

Result<bool> EqualSequences(const Sequence& left, const Sequence& right, Budget& budget) {
  if (left.kind != right.kind || left.items.size() != right.items.size()) return false;
  for (std::size_t i = 0; i < left.items.size(); ++i) {
    if (!TRY(Equal(left.items[i], right.items[i], budget))) return false;
  }
  return true;
}

Result<bool> EqualDicts(const Dict& left, const Dict& right, Budget& budget) {
  if (left.entries.size() != right.entries.size()) return false;
  for (const auto& [key, value] : left.entries) {
    const Value* other = TRY(FindKey(right, key, budget));
    if (other == nullptr || !TRY(Equal(value, *other, budget))) return false;
  }
  return true;
}

// What comparing two texts costs, in steps.
std::size_t TextSteps(const Text& left, const Text& right) {
  return 1 + std::min(left.size(), right.size()) / 64;
}

}  // namespace

Result<bool> Equal(const Value& left, const Value& right, Budget& budget) {
  TRY(budget.Step());
  std::int64_t left_integer = 0;
  std::int64_t right_integer = 0;
  if (left.AsInteger(left_integer) && right.AsInteger(right_integer)) {
    return left_integer == right_integer;
  }
  double left_number = 0;
  double right_number = 0;
  if (left.AsNumber(left_number) && right.AsNumber(right_number)) {
    return left_number == right_number;
  }
  if (left.variant().index() != right.variant().index()) return false;
  if (left.IsUndefined() || left.IsNone()) return true;
  if (const Text* text = left.IfText()) {
    const Text& other = *right.IfText();
    if (text->size() != other.size()) return false;
    TRY(budget.Step(TextSteps(*text, other)));
    return text->bytes() == other.bytes();
  }
  if (const Sequence* sequence = left.IfSequence()) {
    return EqualSequences(*sequence, *right.IfSequence(), budget);
  }
  if (const Dict* dict = left.IfDict()) return EqualDicts(*dict, *right.IfDict(), budget);
  if (const auto* builtin = left.If<Builtin>()) return builtin->name == right.If<Builtin>()->name;
  if (left.IfNamespace() != nullptr) return left.IfNamespace() == right.IfNamespace();
  if (const auto* loop = left.If<const Loop*>()) return *loop == *right.If<const Loop*>();
  return *left.If<const Macro*>() == *right.If<const Macro*>();
}

Result<bool> Less(const Value& left, const Value& right, Budget& budget) {
  TRY(budget.Step());
  if (left.IsUndefined()) return UndefinedError(left);
  if (right.IsUndefined()) return UndefinedError(right);
  std::int64_t left_integer = 0;
  std::int64_t right_integer = 0;
  if (left.AsInteger(left_integer) && right.AsInteger(right_integer)) {
    return left_integer < right_integer;
  }
  double left_number = 0;
  double right_number = 0;
  if (left.AsNumber(left_number) && right.AsNumber(right_number)) return left_number < right_number;
  if (left.IfText() != nullptr && right.IfText() != nullptr) {
    TRY(budget.Step(TextSteps(*left.IfText(), *right.IfText())));
    return left.IfText()->bytes() < right.IfText()->bytes();
  }
  const Sequence* left_items = left.IfSequence();
  const Sequence* right_items = right.IfSequence();
  if (left_items == nullptr || right_items == nullptr || left_items->kind != right_items->kind) {
    return TemplateError("'<' not supported between instances of '{}' and '{}'", left.TypeName(),
                         right.TypeName());
  }
  const std::size_t count = std::min(left_items->items.size(), right_items->items.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (TRY(Equal(left_items->items[i], right_items->items[i], budget))) continue;
    return Less(left_items->items[i], right_items->items[i], budget);
  }
  return left_items->items.size() < right_items->items.size();
}

// A merge sort of our own: the order of keys can fail, which std::stable_sort has no way to say.
Result<std::vector<std::size_t>> SortedOrder(const std::vector<Value>& keys, bool reverse,
                                             Budget& budget) {
  const std::size_t count = keys.size();
  TRY(budget.Reserve(2 * count * sizeof(std::size_t)));
  std::vector<std::size_t> order(count);
  std::vector<std::size_t> merged(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  for (std::size_t width = 1; width < count; width *= 2) {
    for (std::size_t begin = 0; begin < count; begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, count);
      const std::size_t end = std::min(middle + width, count);
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        bool takes_right = left == middle;
        if (left < middle && right < end) {
          const Value& first = keys[order[left]];
          const Value& second = keys[order[right]];
          takes_right =
              reverse ? TRY(Less(first, second, budget)) : TRY(Less(second, first, budget));
        }
        merged[out] = order[takes_right ? right++ : left++];
      }
    }
    order.swap(merged);
  }
  return order;
}

Result<const Value*> FindKey(const Dict& dict, const Value& key, Budget& budget) {
  const std::size_t key_bytes = key.IfText() == nullptr ? 0 : key.IfText()->size();
  TRY(budget.Step(1 + dict.entries.size() * (16 + key_bytes) / 256));
  if (const Text* text = key.IfText()) return dict.Find(text->bytes());
  for (const auto& [name, value] : dict.entries) {
    if (name.IfText() == nullptr && TRY(Equal(name, key, budget))) return &value;
  }
  return nullptr;
}

Result<bool> Contains(const Value& container, const Value& item, Budget& budget) {
  if (container.IsUndefined()) return false;
  if (const Text* text = container.IfText()) {
    const Text* part = item.IfText();
    if (part == nullptr) {
      return TemplateError("'in <string>' requires string as left operand, not {}",
                           item.TypeName());
    }
    TRY(budget.Step(1 + text->size() / 64));
    return FindBytes(text->bytes(), part->bytes()) != std::string::npos;
  }
  if (const Sequence* sequence = container.IfSequence()) {
    for (const Value& candidate : sequence->items) {
      if (TRY(Equal(candidate, item, budget))) return true;
    }
    return false;
  }
  if (const Dict* dict = container.IfDict()) {
    return TRY(FindKey(*dict, item, budget)) != nullptr;
  }
  return TemplateError("argument of type '{}' is not iterable", container.TypeName());
}

Result<std::int64_t> Length(const Value& value, Budget& budget) {
  if (value.IsUndefined()) return 0;
  if (const Text* text = value.IfText()) {
    TRY(budget.Step(1 + text->size() / 64));
    return static_cast<std::int64_t>(CountCharacters(text->bytes()));
  }
  const Sequence* sequence = value.IfSequence();
  if (sequence != nullptr && sequence->kind != SequenceKind::kGenerator) {
    return static_cast<std::int64_t>(sequence->items.size());
  }
  if (const Dict* dict = value.IfDict()) return static_cast<std::int64_t>(dict->entries.size());
  return TemplateError("object of type '{}' has no len()", value.TypeName());
}

Result<std::vector<Value>> Iterate(const Value& value, Budget& budget) {
  std::vector<Value> items;
  if (const Sequence* sequence = value.IfSequence()) {
    TRY(budget.Reserve(sequence->items.size() * sizeof(Value)));
    return sequence->items;
  }
  if (const Dict* dict = value.IfDict()) {
    TRY(budget.Reserve(dict->entries.size() * sizeof(Value)));
    items.reserve(dict->entries.size());
    for (const auto& entry : dict->entries) items.push_back(entry.first);
    return items;
  }
  if (const Text* text = value.IfText()) {
    TRY(budget.Reserve(text->size() * sizeof(Value)));
    for (std::size_t i = 0; i < text->size();) {
      const std::size_t bytes = CharacterAt(text->bytes(), i).bytes;
      items.push_back(TRY(budget.Make(text->Slice(i, i + bytes))));
      i += bytes;
    }
    return items;
  }
  if (value.IsUndefined()) return items;
  return TemplateError("'{}' object is not iterable", value.TypeName());
}

}  // namespace kinglet::jinja
