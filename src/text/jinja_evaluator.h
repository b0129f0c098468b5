// SPDX-License-Identifier: Apache-2.0
// Runs a template: statements write text, expressions give values, scopes hold names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "text/jinja_syntax.h"
#include "text/jinja_text.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

// Names of one block. Scopes, macros and loops live as long as the evaluator: values point to them.
struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<NameId, Value>> variables;
};

struct Macro {
  const MacroDefinition* definition;
  Scope* scope;  // where it was defined
};

struct Loop {
  const For* statement;
  Scope* scope;  // around the loop
  std::vector<Value> items;
  std::size_t index = 0;
  std::size_t depth = 1;  // of recursive calls
};

// One render. Every error that comes out of it is "line N: ...".
class Evaluator {
 public:
  Evaluator(const Program& program, const RenderLimits& limits, std::int64_t unix_seconds);

  // Gives a global name its value.
  void Define(NameId name, Value value) { globals_[name] = std::move(value); }
  Result<Text> Run();

 private:
  enum class Flow : std::uint8_t { kNext, kBreak, kContinue };

  // Statements: jinja_evaluator.cc.
  Result<Flow> Execute(const Block& block, Text& out);
  // In a scope of its own, and into a text of its own.
  Result<Flow> ExecuteInside(const Block& block, Text& out);
  Result<Text> Capture(const Block& block);
  Result<Flow> Run(const Data& node, Text& out);
  Result<Flow> Run(const Print& node, Text& out);
  Result<Flow> Run(const If& node, Text& out);
  Result<Flow> Run(const For& node, Text& out);
  Result<Flow> Run(const Set& node, Text& out);
  Result<Flow> Run(const SetBlock& node, Text& out);
  Result<Flow> Run(const DefineMacro& node, Text& out);
  Result<Flow> Run(const CallBlock& node, Text& out);
  Result<Flow> Run(const FilterBlock& node, Text& out);
  Result<Flow> Run(const With& node, Text& out);
  Result<Flow> Run(const LoopExit& node, Text& out);
  Result<void> Append(const Text& text, Text& out);
  Result<Flow> Iterations(const For& node, const Value& iterable, std::size_t depth, Text& out);
  Result<void> KeepFiltered(const For& node, std::vector<Value>& items);

  // Names: jinja_evaluator.cc.
  Result<Scope*> Open(Scope* parent);
  Result<const Value*> Lookup(NameId name);  // null: undefined
  Result<void> Assign(const Target& target, Value value);
  Result<void> AssignName(NameId name, Value value);
  Result<void> AssignAttribute(const Target& target, Value value);

  // Expressions: jinja_evaluator_expressions.cc.
  Result<Value> Evaluate(const Expression& expression);
  Result<Value> Get(const Literal& node);
  Result<Value> Get(const Name& node);
  Result<Value> Get(const SequenceLiteral& node);
  Result<Value> Get(const DictLiteral& node);
  Result<Value> Get(const Not& node);
  Result<Value> Get(const Sign& node);
  Result<Value> Get(const Logical& node);
  Result<Value> Get(const Arithmetic& node);
  Result<Value> Get(const Comparison& node);
  Result<Value> Get(const Concatenation& node);
  Result<Value> Get(const Conditional& node);
  Result<Value> Get(const Postfix& node) { return Follow(node, Value(), nullptr); }
  // The steps of node from its base, or from input where it has none. The last call gets the macro
  // `caller`, if there is one.
  Result<Value> Follow(const Postfix& node, Value input, const Macro* caller);
  Result<Value> Take(const Value& value, const AttributeStep& step);
  Result<Value> Take(const Value& value, const SubscriptStep& step);
  Result<Value> Take(const Value& value, const SliceStep& step);
  Result<Value> Take(const Value& value, const FilterStep& step);
  Result<Value> Take(const Value& value, const TestStep& step);
  Result<Arguments> EvaluateArguments(const std::vector<Argument>& arguments);

  // Calls: jinja_evaluator_calls.cc.
  Result<Value> Call(const Value& callee, const Arguments& arguments);
  Result<Value> CallMacro(const Macro& macro, const Arguments& arguments);
  Result<void> BindParameters(const MacroDefinition& macro, const Arguments& arguments);
  Result<Value> CallLoop(const Loop& loop, const Arguments& arguments);
  Result<Value> CallGlobal(std::string_view name, const Arguments& arguments);
  Result<Value> Range(const Arguments& arguments);
  Result<Value> MakeNamespace(const Arguments& arguments);
  Result<Value> MakeDict(const Arguments& arguments);
  Result<Value> Now(const Arguments& arguments);
  Result<Value> LoopAttribute(const Loop& loop, std::string_view name);

  std::optional<NameId> FindName(std::string_view name) const;

  const Program& program_;
  const std::int64_t unix_seconds_;
  Budget budget_;
  int line_ = 1;                               // of what runs now
  std::vector<std::optional<Value>> globals_;  // [NameId]: the names outside of all blocks
  std::optional<NameId> loop_name_, caller_name_, varargs_name_, kwargs_name_;  // unset: not used
  Scope* scope_ = nullptr;  // null outside of all blocks
  std::deque<Scope> scopes_;
  std::deque<Macro> macros_;
  std::deque<Loop> loops_;
  std::deque<Namespace> namespaces_;
};

}  // namespace kinglet::jinja
