// SPDX-License-Identifier: Apache-2.0
// Values of a template, as Python sees them: immutable, shared, and paid for from a render's
// budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "text/jinja_text.h"

namespace kinglet {
struct RenderLimits;
}  // namespace kinglet

namespace kinglet::jinja {

class Value;
struct Sequence;
struct Dict;
struct Namespace;  // these three belong to the evaluator, which outlives every value of its render
struct Loop;
struct Macro;

struct None {
  bool operator==(const None&) const = default;
};

// What a missing name, key or item gives. Harmless until it is used; `why` says so then.
struct Undefined {
  std::shared_ptr<const std::string> why;
};

// A function of the templates' language, or a method that was named but not called.
struct Builtin {
  std::string_view name;
};

// Lists nest at most so deep, and values cannot be changed into cycles: who walks one may recurse.
inline constexpr std::size_t kMaxValueDepth = 100;

class Value {
 public:
  using Variant =
      std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
                   std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>, Namespace*,
                   const Loop*, const Macro*, Builtin>;

  Value() = default;                                        // undefined, for no reason
  Value(Variant variant) : variant_(std::move(variant)) {}  // NOLINT: a value is its variant

  static Value OfText(Text text) { return Variant(std::make_shared<const Text>(std::move(text))); }
  static Value OfLiteral(std::string_view text) { return OfText(Text(std::string(text))); }
  static Value OfUndefined(std::string why) {
    return Variant(Undefined{std::make_shared<const std::string>(std::move(why))});
  }

  // The alternative asked for, or null.
  template <typename T>
  const T* If() const {
    return std::get_if<T>(&variant_);
  }
  const Text* IfText() const { return Pointee<Text>(); }
  const Sequence* IfSequence() const { return Pointee<Sequence>(); }
  const Dict* IfDict() const { return Pointee<Dict>(); }
  Namespace* IfNamespace() const {
    const auto* space = If<Namespace*>();
    return space == nullptr ? nullptr : *space;
  }
  bool IsUndefined() const { return If<Undefined>() != nullptr; }
  bool IsNone() const { return If<None>() != nullptr; }
  // Integers, and booleans, which are 0 and 1 as in Python.
  const std::int64_t* IfInteger() const { return If<std::int64_t>(); }
  bool AsInteger(std::int64_t& integer) const;
  bool AsNumber(double& number) const;

  bool IsTrue() const;
  // Python's name of the type: "str", "dict" ...
  std::string_view TypeName() const;
  // 0 for what holds no values.
  std::size_t depth() const;
  const Variant& variant() const { return variant_; }

 private:
  template <typename T>
  const T* Pointee() const {
    const auto* pointer = If<std::shared_ptr<const T>>();
    return pointer == nullptr ? nullptr : pointer->get();
  }

  Variant variant_;
};

// kView: dict.items() and its like. kGenerator: what lazy filters give. Both can be walked, not
// indexed.
enum class SequenceKind { kList, kTuple, kRange, kView, kGenerator };

struct Sequence {
  SequenceKind kind = SequenceKind::kList;
  std::vector<Value> items;
  std::size_t depth = 1;
};

// In order of insertion. Looked up one by one: dicts of templates are small, and steps pay for
// large ones.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::size_t depth = 1;

  const Value* Find(std::string_view key) const;
};

// The one kind of value that changes: {% set space.name = value %}.
struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
};

// What one render may still spend. Every loop over something big asks it first.
class Budget {
 public:
  explicit Budget(const RenderLimits& limits);

  // Holds one level of evaluation until it is destroyed.
  class Level {
   public:
    explicit Level(std::size_t& left) : left_(&left) { --left; }
    Level(Level&& other) noexcept : left_(std::exchange(other.left_, nullptr)) {}
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Level& operator=(Level&&) = delete;
    ~Level() {
      if (left_ != nullptr) ++*left_;
    }

   private:
    std::size_t* left_;
  };
  // Asked for by every evaluation that may contain others.
  Result<Level> Descend();
  // Pays for `count` evaluations.
  Result<void> Step(std::size_t count = 1);
  // Pays for the making of so many bytes, before they are made.
  Result<void> Reserve(std::size_t bytes);
  const RenderLimits& limits() const { return limits_; }

  // Pay for a value's own bytes and make it.
  Result<Value> Make(Text text);
  Result<Value> Make(std::vector<Value> items, SequenceKind kind = SequenceKind::kList);
  // Later entries replace earlier ones of the same key. Keys are strings, numbers, booleans, None.
  Result<Value> MakeDict(std::vector<std::pair<Value, Value>> entries);

 private:
  const RenderLimits& limits_;
  std::size_t levels_left_;
  std::size_t steps_left_;
  std::size_t bytes_left_;
};

// Python's ==. Never fails but for the budget.
Result<bool> Equal(const Value& left, const Value& right, Budget& budget);
// Python's <, for numbers, strings and lists of them; an error for the rest.
Result<bool> Less(const Value& left, const Value& right, Budget& budget);
// The indices of keys in the order of sorted(keys, reverse=reverse): equal ones as they came.
Result<std::vector<std::size_t>> SortedOrder(const std::vector<Value>& keys, bool reverse,
                                             Budget& budget);
// Python's `item in container`.
Result<bool> Contains(const Value& container, const Value& item, Budget& budget);
Result<const Value*> FindKey(const Dict& dict, const Value& key, Budget& budget);
// Python's len(); an error for what has none.
Result<std::int64_t> Length(const Value& value, Budget& budget);
// What iterating over a value gives: items, keys, characters. Empty for undefined.
Result<std::vector<Value>> Iterate(const Value& value, Budget& budget);

// Bad input of a template: the evaluator adds the line.
template <typename... Args>
[[nodiscard]] std::unexpected<Status> TemplateError(fmt::format_string<Args...> format,
                                                    Args&&... args) {
  return Error(StatusCode::kInvalidInput, format, std::forward<Args>(args)...);
}

// The error of using an undefined value, for the reason that it knows.
[[nodiscard]] std::unexpected<Status> UndefinedError(const Value& value);

}  // namespace kinglet::jinja
