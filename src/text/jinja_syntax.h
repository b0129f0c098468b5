// SPDX-License-Identifier: Apache-2.0
// A template as a tree. Chains of operators are flat lists, so the tree is only as deep as the
// source nests, and the parser bounds that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja_builtins.h"
#include "text/jinja_text.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

// An index into Program::names.
using NameId = std::uint32_t;

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<const Expression>;
using Block = std::vector<Statement>;

struct Literal {
  Value value;
};
struct Name {
  NameId name;
};
struct SequenceLiteral {
  SequenceKind kind;  // kList or kTuple
  std::vector<ExpressionPtr> items;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};
struct Not {
  ExpressionPtr operand;
};
struct Sign {
  bool is_minus;
  ExpressionPtr operand;
};
// `and` or `or`: the first operand that decides.
struct Logical {
  bool is_or;
  std::vector<ExpressionPtr> operands;
};
enum class Operator : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};
// Operators of one precedence, from left to right: a + b - c.
struct Arithmetic {
  ExpressionPtr first;
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
};
// a < b <= c: each pair must hold.
struct Comparison {
  ExpressionPtr first;
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
};
// a ~ b ~ c
struct Concatenation {
  std::vector<ExpressionPtr> operands;
};
// value if test else otherwise (null: undefined)
struct Conditional {
  ExpressionPtr test, value, otherwise;
};

struct Argument {
  std::string name;  // empty: by position
  ExpressionPtr value;
};
struct AttributeStep {
  std::string name;
};
struct SubscriptStep {
  ExpressionPtr key;
};
struct SliceStep {
  ExpressionPtr start, stop, step;  // null where left out
};
struct CallStep {
  std::vector<Argument> arguments;
};
struct FilterStep {
  std::string name;
  const NamedFunction* builtin;  // null: there is none of this name, an error once it is reached
  std::vector<Argument> arguments;
};
struct TestStep {
  std::string name;
  const NamedFunction* builtin;  // as above
  bool is_negated;
  std::vector<Argument> arguments;
};
struct Step {
  int line;
  std::variant<AttributeStep, SubscriptStep, SliceStep, CallStep, FilterStep, TestStep> step;
};
// base.name[key](arguments)|filter is test: steps from left to right. Where base is null the steps
// apply to the text of a block.
struct Postfix {
  ExpressionPtr base;
  std::vector<Step> steps;
};

struct Expression {
  int line;
  std::variant<Literal, Name, SequenceLiteral, DictLiteral, Not, Sign, Logical, Arithmetic,
               Comparison, Concatenation, Conditional, Postfix>
      node;
};

// What a value is assigned to: a name, an attribute of a namespace, or targets for its items.
struct Target {
  NameId name = 0;
  std::string attribute;      // empty: the name itself
  std::vector<Target> items;  // not empty: neither of the above
};

struct Data {
  Text text;
};
struct Print {
  ExpressionPtr value;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
};
struct For {
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr filter;  // null: every item
  Block body;
  Block otherwise;
  bool is_recursive;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
// {% set x %}...{% endset %}; filters may be null.
struct SetBlock {
  Target target;
  std::unique_ptr<const Postfix> filters;
  Block body;
};
struct Parameter {
  NameId name;
  ExpressionPtr default_value;  // null: undefined
};
struct MacroDefinition {
  NameId name;
  std::vector<Parameter> parameters;
  Block body;
  bool takes_varargs = false;  // its body reads `varargs`, `kwargs`
  bool takes_kwargs = false;
};
struct DefineMacro {
  std::unique_ptr<const MacroDefinition> macro;
};
// {% call(x) f() %}...{% endcall %}: f gets the body as the macro `caller`.
struct CallBlock {
  std::unique_ptr<const MacroDefinition> caller;
  ExpressionPtr call;  // a Postfix that ends in a CallStep
};
struct FilterBlock {
  std::unique_ptr<const Postfix> filters;
  Block body;
};
// {% with a = 1 %}; {% generation %} is one without names.
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> bindings;
  Block body;
};
enum class LoopExit : std::uint8_t { kBreak, kContinue };

struct Statement {
  int line;
  std::variant<Data, Print, If, For, Set, SetBlock, DefineMacro, CallBlock, FilterBlock, With,
               LoopExit>
      node;
};

struct Program {
  std::vector<std::string> names;  // of every variable, by NameId
  Block body;
};

}  // namespace kinglet::jinja
