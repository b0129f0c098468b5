// SPDX-License-Identifier: Apache-2.0
// Numbers as Python computes them (64-bit integers that may not overflow), texts and lists joined
// and repeated.
#include "text/jinja_operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "text/jinja_format.h"

namespace kinglet::jinja {
namespace {

constexpr std::string_view Spelling(Operator operation) {
  switch (operation) {
    case Operator::kAdd:
      return "+";
    case Operator::kSubtract:
      return "-";
    case Operator::kMultiply:
      return "*";
    case Operator::kDivide:
      return "/";
    case Operator::kFloorDivide:
      return "//";
    case Operator::kModulo:
      return "%";
    case Operator::kPower:
      return "**";
    default:
      return "?";
  }
}

std::unexpected<Status> TypeError(Operator operation, const Value& left, const Value& right) {
  if (left.IsUndefined()) return UndefinedError(left);
  if (right.IsUndefined()) return UndefinedError(right);
  if (operation == Operator::kAdd && left.IfText() != nullptr) {
    return TemplateError("can only concatenate str (not \"{}\") to str", right.TypeName());
  }
  return TemplateError("unsupported operand types for {}: '{}' and '{}'", Spelling(operation),
                       left.TypeName(), right.TypeName());
}

Result<Value> IntegerPower(std::int64_t base, std::int64_t exponent) {
  std::int64_t power = 1;
  bool overflow = false;
  while (exponent > 0 && !overflow) {
    if (exponent % 2 != 0) overflow = __builtin_mul_overflow(power, base, &power);
    exponent /= 2;
    if (exponent > 0) overflow = overflow || __builtin_mul_overflow(base, base, &base);
  }
  if (overflow) return TemplateError("an integer of more than 64 bits");
  return Value(power);
}

Result<Value> CalculateReal(Operator operation, double left, double right) {
  const bool divides = operation == Operator::kDivide || operation == Operator::kFloorDivide ||
                       operation == Operator::kModulo;
  if (divides && right == 0) return TemplateError("division by zero");
  switch (operation) {
    case Operator::kAdd:
      return Value(left + right);
    case Operator::kSubtract:
      return Value(left - right);
    case Operator::kMultiply:
      return Value(left * right);
    case Operator::kDivide:
      return Value(left / right);
    case Operator::kFloorDivide:
      return Value(std::floor(left / right));
    case Operator::kModulo:
      return Value(left - right * std::floor(left / right));
    default:
      return Value(std::pow(left, right));
  }
}

Result<Value> CalculateInteger(Operator operation, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (operation) {
    case Operator::kAdd:
      overflow = __builtin_add_overflow(left, right, &result);
      break;
    case Operator::kSubtract:
      overflow = __builtin_sub_overflow(left, right, &result);
      break;
    case Operator::kMultiply:
      overflow = __builtin_mul_overflow(left, right, &result);
      break;
    case Operator::kFloorDivide:
    case Operator::kModulo: {
      if (right == 0) return TemplateError("division by zero");
      overflow = left == std::numeric_limits<std::int64_t>::min() && right == -1;
      if (overflow) break;
      // Python rounds down and gives the remainder the divisor's sign; C++ rounds to zero.
      const std::int64_t remainder = left % right;
      const bool adjust = remainder != 0 && (remainder < 0) != (right < 0);
      result = operation == Operator::kModulo ? remainder + (adjust ? right : 0)
                                              : left / right - (adjust ? 1 : 0);
      break;
    }
    case Operator::kPower:
      if (right >= 0) return IntegerPower(left, right);
      [[fallthrough]];
    default:
      return CalculateReal(operation, static_cast<double>(left), static_cast<double>(right));
  }
  if (overflow) return TemplateError("an integer of more than 64 bits");
  return Value(result);
}

// text + text; where one is a markup, the other is escaped.
Result<Value> Join(const Text& left, const Text& right, Budget& budget) {
  TRY(budget.Reserve((left.size() + right.size()) *
                     (left.is_markup() != right.is_markup() ? 6 : 1)));
  Text joined;
  if (left.is_markup() != right.is_markup()) {
    joined = EscapeHtml(left);
    joined.Append(EscapeHtml(right));
    joined.set_markup(true);
  } else {
    joined.Reserve(left.size() + right.size());
    joined.Append(left);
    joined.Append(right);
    joined.set_markup(left.is_markup());
  }
  return budget.Make(std::move(joined));
}

// Pays for `count` copies of something of so many bytes.
Result<void> ReserveCopies(std::size_t bytes, std::int64_t count, Budget& budget) {
  std::size_t total = 0;
  if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(count), &total)) {
    total = std::numeric_limits<std::size_t>::max();
  }
  return budget.Reserve(total);
}

Result<Value> Repeat(const Value& value, std::int64_t count, Budget& budget) {
  count = std::max<std::int64_t>(count, 0);
  if (const Text* text = value.IfText()) {
    TRY(ReserveCopies(text->size() + text->data().size_bytes(), count, budget));
    Text repeated;
    repeated.set_markup(text->is_markup());
    for (std::int64_t i = 0; i < count && !text->empty(); ++i) repeated.Append(*text);
    return budget.Make(std::move(repeated));
  }
  const Sequence& sequence = *value.IfSequence();
  TRY(ReserveCopies(sequence.items.size() * sizeof(Value), count, budget));
  std::vector<Value> items;
  for (std::int64_t i = 0; i < count && !sequence.items.empty(); ++i) {
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  }
  return budget.Make(std::move(items), sequence.kind);
}

bool IsConcatenable(const Value& value) {
  const Sequence* sequence = value.IfSequence();
  return sequence != nullptr &&
         (sequence->kind == SequenceKind::kList || sequence->kind == SequenceKind::kTuple);
}

}  // namespace

Result<Value> Calculate(Operator operation, const Value& left, const Value& right, Budget& budget) {
  TRY(budget.Step());
  std::int64_t left_integer = 0;
  std::int64_t right_integer = 0;
  const bool left_is_integer = left.AsInteger(left_integer);
  const bool right_is_integer = right.AsInteger(right_integer);
  if (left_is_integer && right_is_integer) {
    return CalculateInteger(operation, left_integer, right_integer);
  }
  double left_number = 0;
  double right_number = 0;
  if (left.AsNumber(left_number) && right.AsNumber(right_number)) {
    return CalculateReal(operation, left_number, right_number);
  }
  const Text* text = left.IfText();
  if (operation == Operator::kModulo && text != nullptr) return FormatPercent(*text, right, budget);
  if (operation == Operator::kAdd && text != nullptr && right.IfText() != nullptr) {
    return Join(*text, *right.IfText(), budget);
  }
  if (operation == Operator::kAdd && IsConcatenable(left) && IsConcatenable(right) &&
      left.IfSequence()->kind == right.IfSequence()->kind) {
    const Sequence& first = *left.IfSequence();
    const Sequence& second = *right.IfSequence();
    TRY(budget.Reserve((first.items.size() + second.items.size()) * sizeof(Value)));
    std::vector<Value> items = first.items;
    items.insert(items.end(), second.items.begin(), second.items.end());
    return budget.Make(std::move(items), first.kind);
  }
  if (operation == Operator::kMultiply) {
    if (right_is_integer && (text != nullptr || IsConcatenable(left))) {
      return Repeat(left, right_integer, budget);
    }
    if (left_is_integer && (right.IfText() != nullptr || IsConcatenable(right))) {
      return Repeat(right, left_integer, budget);
    }
  }
  return TypeError(operation, left, right);
}

Result<bool> Compare(Operator operation, const Value& left, const Value& right, Budget& budget) {
  switch (operation) {
    case Operator::kEqual:
      return Equal(left, right, budget);
    case Operator::kNotEqual:
      return !TRY(Equal(left, right, budget));
    case Operator::kLess:
      return Less(left, right, budget);
    case Operator::kGreater:
      return Less(right, left, budget);
    case Operator::kIn:
      return Contains(right, left, budget);
    case Operator::kNotIn:
      return !TRY(Contains(right, left, budget));
    default:
      break;
  }
  // A NaN is neither less than nor equal to anything, so <= is not the opposite of >.
  const bool is_less = operation == Operator::kLessEqual ? TRY(Less(left, right, budget))
                                                         : TRY(Less(right, left, budget));
  if (is_less) return true;
  return Equal(left, right, budget);
}

Result<Value> ApplySign(bool is_minus, const Value& operand) {
  std::int64_t integer = 0;
  if (operand.AsInteger(integer)) {
    return CalculateInteger(is_minus ? Operator::kSubtract : Operator::kAdd, 0, integer);
  }
  double real = 0;
  if (operand.AsNumber(real)) return Value(is_minus ? -real : real);
  if (operand.IsUndefined()) return UndefinedError(operand);
  return TemplateError("bad operand type for unary {}: '{}'", is_minus ? "-" : "+",
                       operand.TypeName());
}

namespace {

// A bound of a slice, or `fallback` where it is left out; counted from the end where negative.
Result<std::int64_t> SliceBound(const Value& bound, std::int64_t fallback, std::int64_t length,
                                std::int64_t lowest, std::int64_t highest) {
  if (bound.IsUndefined() || bound.IsNone()) return fallback;
  std::int64_t index = 0;
  if (!bound.AsInteger(index)) return TemplateError("slice indices must be integers");
  if (index < 0) index += length;
  return std::clamp(index, lowest, highest);
}

}  // namespace

Result<Value> Slice(const Value& object, const Value& start, const Value& stop, const Value& step,
                    Budget& budget) {
  if (object.IsUndefined()) return UndefinedError(object);
  const Text* text = object.IfText();
  const Sequence* sequence = object.IfSequence();
  const bool is_indexable =
      sequence != nullptr && (IsConcatenable(object) || sequence->kind == SequenceKind::kRange);
  if (text == nullptr && !is_indexable) {
    return Value::OfUndefined(fmt::format("'{}' object cannot be sliced", object.TypeName()));
  }
  const std::int64_t length = TRY(Length(object, budget));
  constexpr std::int64_t kMaxStep = std::numeric_limits<std::int32_t>::max();
  const std::int64_t stride = TRY(SliceBound(step, 1, 0, -kMaxStep, kMaxStep));
  if (stride == 0) return TemplateError("slice step cannot be zero");
  const bool forward = stride > 0;
  const std::int64_t lowest = forward ? 0 : -1;
  const std::int64_t highest = forward ? length : length - 1;
  std::int64_t at = TRY(SliceBound(start, forward ? 0 : length - 1, length, lowest, highest));
  const std::int64_t end = TRY(SliceBound(stop, forward ? length : -1, length, lowest, highest));
  if (text != nullptr && stride == 1) {
    TRY(budget.Step(1 + text->size() / 64));
    const std::size_t first = OffsetOfCharacter(text->bytes(), static_cast<std::size_t>(at));
    const std::string_view rest = std::string_view(text->bytes()).substr(first);
    const auto count = static_cast<std::size_t>(std::max<std::int64_t>(end - at, 0));
    return budget.Make(text->Slice(first, first + OffsetOfCharacter(rest, count)));
  }
  const std::vector<Value> all = TRY(Iterate(object, budget));
  std::vector<Value> items;
  for (; forward ? at < end : at > end; at += stride) {
    items.push_back(all[static_cast<std::size_t>(at)]);
  }
  if (text == nullptr) return budget.Make(std::move(items), sequence->kind);
  Text sliced;
  sliced.set_markup(text->is_markup());
  for (const Value& character : items) sliced.Append(*character.IfText());
  return budget.Make(std::move(sliced));
}

}  // namespace kinglet::jinja
