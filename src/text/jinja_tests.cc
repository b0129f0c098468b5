// SPDX-License-Identifier: Apache-2.0
// Tests of Jinja: `value is name`.
#include <algorithm>
#include <array>
#include <string_view>

#include "text/jinja_builtins.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_text_functions.h"

namespace kinglet::jinja {
namespace {

bool IsSequenceLike(const Value& value) {
  if (const Sequence* sequence = value.IfSequence()) {
    return sequence->kind != SequenceKind::kView && sequence->kind != SequenceKind::kGenerator;
  }
  return value.IfText() != nullptr || value.IfDict() != nullptr || value.IsUndefined();
}

bool IsIterable(const Value& value) {
  return value.IfSequence() != nullptr || value.IfText() != nullptr || value.IfDict() != nullptr ||
         value.IsUndefined();
}

bool IsCallable(const Value& value) {
  return value.If<Builtin>() != nullptr || value.If<const Macro*>() != nullptr;
}

bool IsNumber(const Value& value) {
  double number = 0;
  return value.AsNumber(number);
}

bool IsDefined(const Value& value) { return !value.IsUndefined(); }
bool IsUndefinedValue(const Value& value) { return value.IsUndefined(); }
bool IsNoneValue(const Value& value) { return value.IsNone(); }
bool IsBoolean(const Value& value) { return value.If<bool>() != nullptr; }
bool IsTrueValue(const Value& value) { return value.If<bool>() != nullptr && *value.If<bool>(); }
bool IsFalseValue(const Value& value) { return value.If<bool>() != nullptr && !*value.If<bool>(); }
bool IsInteger(const Value& value) { return value.IfInteger() != nullptr; }
bool IsFloat(const Value& value) { return value.If<double>() != nullptr; }
bool IsString(const Value& value) { return value.IfText() != nullptr; }
bool IsMapping(const Value& value) { return value.IfDict() != nullptr; }
bool IsEscaped(const Value& value) {
  return value.IfText() != nullptr && value.IfText()->is_markup();
}

// A test that only looks at the value.
template <bool (*kPredicate)(const Value&)>
Result<Value> Plain(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  TRY(Bind(arguments, {}));
  return Value(kPredicate(input));
}

// A test that compares with its argument.
template <Operator kOperator>
Result<Value> Compares(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"other"}, 1));
  return Value(TRY(Compare(kOperator, input, bound[0], budget)));
}

// The remainder of the input divided by an integer.
Result<Value> Remainder(const Value& input, const Value& divisor, Budget& budget) {
  if (!IsNumber(input)) return TemplateError("a number is required, not {}", input.TypeName());
  return Calculate(Operator::kModulo, input, divisor, budget);
}

Result<Value> IsOdd(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  const Value remainder = TRY(Remainder(input, Value(std::int64_t{2}), budget));
  return Value(TRY(Equal(remainder, Value(std::int64_t{1}), budget)));
}

Result<Value> IsEven(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  const Value remainder = TRY(Remainder(input, Value(std::int64_t{2}), budget));
  return Value(!remainder.IsTrue());
}

Result<Value> IsDivisibleBy(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"num"}, 1));
  return Value(!TRY(Remainder(input, bound[0], budget)).IsTrue());
}

Result<Value> IsLower(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  return Value(IsAllLower(TRY(Str(input, budget))));
}

Result<Value> IsUpper(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  return Value(IsAllUpper(TRY(Str(input, budget))));
}

// The same object, as far as a template can tell: equal and of one type.
Result<Value> IsSameAs(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"other"}, 1));
  if (input.variant().index() != bound[0].variant().index()) return Value(false);
  return Value(TRY(Equal(input, bound[0], budget)));
}

constexpr std::array kTests = {
    NamedFunction{"!=", Compares<Operator::kNotEqual>},
    NamedFunction{"<", Compares<Operator::kLess>},
    NamedFunction{"<=", Compares<Operator::kLessEqual>},
    NamedFunction{"==", Compares<Operator::kEqual>},
    NamedFunction{">", Compares<Operator::kGreater>},
    NamedFunction{">=", Compares<Operator::kGreaterEqual>},
    NamedFunction{"boolean", Plain<IsBoolean>},
    NamedFunction{"callable", Plain<IsCallable>},
    NamedFunction{"defined", Plain<IsDefined>},
    NamedFunction{"divisibleby", IsDivisibleBy},
    NamedFunction{"eq", Compares<Operator::kEqual>},
    NamedFunction{"equalto", Compares<Operator::kEqual>},
    NamedFunction{"escaped", Plain<IsEscaped>},
    NamedFunction{"even", IsEven},
    NamedFunction{"false", Plain<IsFalseValue>},
    NamedFunction{"float", Plain<IsFloat>},
    NamedFunction{"ge", Compares<Operator::kGreaterEqual>},
    NamedFunction{"greaterthan", Compares<Operator::kGreater>},
    NamedFunction{"gt", Compares<Operator::kGreater>},
    NamedFunction{"in", Compares<Operator::kIn>},
    NamedFunction{"integer", Plain<IsInteger>},
    NamedFunction{"iterable", Plain<IsIterable>},
    NamedFunction{"le", Compares<Operator::kLessEqual>},
    NamedFunction{"lessthan", Compares<Operator::kLess>},
    NamedFunction{"lower", IsLower},
    NamedFunction{"lt", Compares<Operator::kLess>},
    NamedFunction{"mapping", Plain<IsMapping>},
    NamedFunction{"ne", Compares<Operator::kNotEqual>},
    NamedFunction{"none", Plain<IsNoneValue>},
    NamedFunction{"number", Plain<IsNumber>},
    NamedFunction{"odd", IsOdd},
    NamedFunction{"sameas", IsSameAs},
    NamedFunction{"sequence", Plain<IsSequenceLike>},
    NamedFunction{"string", Plain<IsString>},
    NamedFunction{"true", Plain<IsTrueValue>},
    NamedFunction{"undefined", Plain<IsUndefinedValue>},
    NamedFunction{"upper", IsUpper},
};

}  // namespace

const NamedFunction* FindTest(std::string_view name) {
  const auto* found = std::ranges::find(kTests, name, &NamedFunction::name);
  return found == kTests.end() ? nullptr : found;
}

}  // namespace kinglet::jinja
