// SPDX-License-Identifier: Apache-2.0
// Expressions, node by node.
#include <variant>

#include "text/jinja_builtins.h"
#include "text/jinja_evaluator.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace kinglet::jinja {

Result<Value> Evaluator::Evaluate(const Expression& expression) {
  const auto level = TRY(budget_.Descend());
  TRY(budget_.Step());
  line_ = expression.line;
  return std::visit([this](const auto& node) { return Get(node); }, expression.node);
}

Result<Value> Evaluator::Get(const Literal& node) { return node.value; }

Result<Value> Evaluator::Get(const Name& node) {
  const Value* value = TRY(Lookup(node.name));
  if (value != nullptr) return *value;
  return Value::OfUndefined(fmt::format("'{}' is undefined", program_.names[node.name]));
}

Result<Value> Evaluator::Get(const SequenceLiteral& node) {
  std::vector<Value> items;
  items.reserve(node.items.size());
  for (const ExpressionPtr& item : node.items) items.push_back(TRY(Evaluate(*item)));
  return budget_.Make(std::move(items), node.kind);
}

Result<Value> Evaluator::Get(const DictLiteral& node) {
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [key_expression, value_expression] : node.entries) {
    Value key = TRY(Evaluate(*key_expression));
    Value value = TRY(Evaluate(*value_expression));
    entries.emplace_back(std::move(key), std::move(value));
  }
  return budget_.MakeDict(std::move(entries));
}

Result<Value> Evaluator::Get(const Not& node) {
  const Value operand = TRY(Evaluate(*node.operand));
  return Value(!operand.IsTrue());
}

Result<Value> Evaluator::Get(const Sign& node) {
  const Value operand = TRY(Evaluate(*node.operand));
  return ApplySign(node.is_minus, operand);
}

Result<Value> Evaluator::Get(const Logical& node) {
  Value value;
  for (const ExpressionPtr& operand : node.operands) {
    value = TRY(Evaluate(*operand));
    if (value.IsTrue() == node.is_or) break;
  }
  return value;
}

Result<Value> Evaluator::Get(const Arithmetic& node) {
  Value value = TRY(Evaluate(*node.first));
  for (const auto& [operation, operand] : node.rest) {
    const Value right = TRY(Evaluate(*operand));
    value = TRY(Calculate(operation, value, right, budget_));
  }
  return value;
}

Result<Value> Evaluator::Get(const Comparison& node) {
  Value left = TRY(Evaluate(*node.first));
  for (const auto& [operation, operand] : node.rest) {
    Value right = TRY(Evaluate(*operand));
    if (!TRY(Compare(operation, left, right, budget_))) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Evaluator::Get(const Concatenation& node) {
  Text joined;  // never a markup: unlike +, ~ does not escape
  for (const ExpressionPtr& operand : node.operands) {
    const Value value = TRY(Evaluate(*operand));
    TRY(AppendStr(value, joined, budget_));
  }
  return budget_.Make(std::move(joined));
}

Result<Value> Evaluator::Get(const Conditional& node) {
  const Value truth = TRY(Evaluate(*node.test));
  if (truth.IsTrue()) return Evaluate(*node.value);
  if (node.otherwise != nullptr) return Evaluate(*node.otherwise);
  return Value::OfUndefined("the inline if-expression evaluated to false and has no else");
}

Result<Value> Evaluator::Follow(const Postfix& node, Value input, const Macro* caller) {
  Value value = node.base == nullptr ? std::move(input) : TRY(Evaluate(*node.base));
  for (std::size_t i = 0; i < node.steps.size(); ++i) {
    const Step& step = node.steps[i];
    line_ = step.line;
    TRY(budget_.Step());
    const auto* attribute = std::get_if<AttributeStep>(&step.step);
    const bool is_called =
        i + 1 < node.steps.size() && std::holds_alternative<CallStep>(node.steps[i + 1].step);
    if (const auto* call = std::get_if<CallStep>(&step.step)) {
      Arguments arguments = TRY(EvaluateArguments(call->arguments));
      if (caller != nullptr && i + 1 == node.steps.size()) {
        arguments.named.emplace_back("caller", Value(caller));
      }
      line_ = step.line;
      value = TRY(Call(value, arguments));
    } else if (const NamedFunction* method = attribute != nullptr && is_called
                                                 ? FindMethod(value, attribute->name)
                                                 : nullptr) {
      ++i;
      const auto& method_call = std::get<CallStep>(node.steps[i].step);
      const Arguments arguments = TRY(EvaluateArguments(method_call.arguments));
      line_ = step.line;
      value = TRY(method->function(value, arguments, budget_));
    } else {
      value = TRY(std::visit(
          [&](const auto& kind) -> Result<Value> {
            if constexpr (std::is_same_v<std::decay_t<decltype(kind)>, CallStep>) {
              return value;  // handled above
            } else {
              return Take(value, kind);
            }
          },
          step.step));
    }
  }
  return value;
}

Result<Value> Evaluator::Take(const Value& value, const AttributeStep& step) {
  if (const auto* loop = value.If<const Loop*>()) return LoopAttribute(**loop, step.name);
  return GetAttribute(value, step.name, budget_);
}

Result<Value> Evaluator::Take(const Value& value, const SubscriptStep& step) {
  const Value key = TRY(Evaluate(*step.key));
  if (const auto* loop = value.If<const Loop*>(); loop != nullptr && key.IfText() != nullptr) {
    return LoopAttribute(**loop, key.IfText()->bytes());
  }
  return GetItem(value, key, budget_);
}

Result<Value> Evaluator::Take(const Value& value, const SliceStep& step) {
  const Value start = step.start == nullptr ? Value(None{}) : TRY(Evaluate(*step.start));
  const Value stop = step.stop == nullptr ? Value(None{}) : TRY(Evaluate(*step.stop));
  const Value stride = step.step == nullptr ? Value(None{}) : TRY(Evaluate(*step.step));
  return Slice(value, start, stop, stride, budget_);
}

Result<Value> Evaluator::Take(const Value& value, const FilterStep& step) {
  if (step.builtin == nullptr) return TemplateError("there is no filter '{}'", step.name);
  const int line = line_;
  const Arguments arguments = TRY(EvaluateArguments(step.arguments));
  line_ = line;
  return step.builtin->function(value, arguments, budget_);
}

Result<Value> Evaluator::Take(const Value& value, const TestStep& step) {
  if (step.builtin == nullptr) return TemplateError("there is no test '{}'", step.name);
  const int line = line_;
  const Arguments arguments = TRY(EvaluateArguments(step.arguments));
  line_ = line;
  const Value holds = TRY(step.builtin->function(value, arguments, budget_));
  return Value(holds.IsTrue() != step.is_negated);
}

Result<Arguments> Evaluator::EvaluateArguments(const std::vector<Argument>& arguments) {
  Arguments evaluated;
  for (const Argument& argument : arguments) {
    Value value = TRY(Evaluate(*argument.value));
    if (argument.name.empty()) {
      evaluated.positional.push_back(std::move(value));
    } else {
      evaluated.named.emplace_back(argument.name, std::move(value));
    }
  }
  return evaluated;
}

}  // namespace kinglet::jinja
