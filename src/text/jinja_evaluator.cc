// SPDX-License-Identifier: Apache-2.0
// Statements and names.
#include "text/jinja_evaluator.h"

#include <algorithm>
#include <variant>

#include "text/chat_template.h"
#include "text/jinja_print.h"

namespace kinglet::jinja {

Evaluator::Evaluator(const Program& program, const RenderLimits& limits, std::int64_t unix_seconds)
    : program_(program),
      unix_seconds_(unix_seconds),
      budget_(limits),
      globals_(program.names.size()),
      loop_name_(FindName("loop")),
      caller_name_(FindName("caller")),
      varargs_name_(FindName("varargs")),
      kwargs_name_(FindName("kwargs")) {
  for (const std::string_view name :
       {"range", "namespace", "dict", "raise_exception", "strftime_now"}) {
    if (const auto id = FindName(name)) Define(*id, Value(Builtin{name}));
  }
}

std::optional<NameId> Evaluator::FindName(std::string_view name) const {
  const auto found = std::ranges::find(program_.names, name);
  if (found == program_.names.end()) return std::nullopt;
  return static_cast<NameId>(found - program_.names.begin());
}

Result<Text> Evaluator::Run() {
  Text out;
  const Result<Flow> flow = Execute(program_.body, out);
  if (!flow) return std::unexpected(flow.error().WithContext(fmt::format("line {}", line_)));
  return out;
}

Result<Evaluator::Flow> Evaluator::Execute(const Block& block, Text& out) {
  const auto level = TRY(budget_.Descend());
  for (const Statement& statement : block) {
    TRY(budget_.Step());
    line_ = statement.line;
    const Flow flow =
        TRY(std::visit([&](const auto& node) { return Run(node, out); }, statement.node));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::ExecuteInside(const Block& block, Text& out) {
  Scope* const outer = scope_;
  scope_ = TRY(Open(outer));
  const Flow flow = TRY(Execute(block, out));
  scope_ = outer;
  return flow;
}

Result<Text> Evaluator::Capture(const Block& block) {
  Text text;
  [[maybe_unused]] const Flow flow = TRY(ExecuteInside(block, text));  // kNext: see the parser
  return text;
}

Result<void> Evaluator::Append(const Text& text, Text& out) {
  if (text.size() > budget_.limits().max_output_bytes - out.size()) {
    return Error(StatusCode::kLimitExceeded, "more than {} bytes of output",
                 budget_.limits().max_output_bytes);
  }
  TRY(budget_.Step(1 + text.size() / 64));
  TRY(budget_.Reserve(text.size()));
  out.Append(text);
  return {};
}

Result<Evaluator::Flow> Evaluator::Run(const Data& node, Text& out) {
  TRY(Append(node.text, out));
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Run(const Print& node, Text& out) {
  const Value value = TRY(Evaluate(*node.value));
  if (const Text* text = value.IfText()) {
    TRY(Append(*text, out));
  } else {
    const Text text_of_value = TRY(Str(value, budget_));
    TRY(Append(text_of_value, out));
  }
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Run(const If& node, Text& out) {
  for (const auto& [test, body] : node.branches) {
    const Value truth = TRY(Evaluate(*test));
    if (truth.IsTrue()) return Execute(body, out);
  }
  return Execute(node.otherwise, out);
}

Result<Evaluator::Flow> Evaluator::Run(const For& node, Text& out) {
  const Value iterable = TRY(Evaluate(*node.iterable));
  return Iterations(node, iterable, 1, out);
}

Result<Evaluator::Flow> Evaluator::Iterations(const For& node, const Value& iterable,
                                              std::size_t depth, Text& out) {
  std::vector<Value> items = TRY(Iterate(iterable, budget_));
  if (node.filter != nullptr) TRY(KeepFiltered(node, items));
  if (items.empty()) return ExecuteInside(node.otherwise, out);
  Scope* const outer = scope_;
  Loop& loop = loops_.emplace_back(Loop{&node, outer, std::move(items), 0, depth});
  for (; loop.index < loop.items.size(); ++loop.index) {
    TRY(budget_.Step());
    scope_ = TRY(Open(outer));
    if (loop_name_) TRY(AssignName(*loop_name_, Value(&loop)));
    TRY(Assign(node.target, loop.items[loop.index]));
    if (TRY(Execute(node.body, out)) == Flow::kBreak) break;
  }
  scope_ = outer;
  return Flow::kNext;
}

Result<void> Evaluator::KeepFiltered(const For& node, std::vector<Value>& items) {
  Scope* const outer = scope_;
  std::vector<Value> kept;
  for (Value& item : items) {
    scope_ = TRY(Open(outer));
    TRY(Assign(node.target, item));
    const Value truth = TRY(Evaluate(*node.filter));
    if (truth.IsTrue()) kept.push_back(std::move(item));
  }
  scope_ = outer;
  items = std::move(kept);
  return {};
}

Result<Evaluator::Flow> Evaluator::Run(const Set& node, Text& /*out*/) {
  Value value = TRY(Evaluate(*node.value));
  TRY(Assign(node.target, std::move(value)));
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Run(const SetBlock& node, Text& /*out*/) {
  Text text = TRY(Capture(node.body));
  Value value = TRY(budget_.Make(std::move(text)));
  if (node.filters != nullptr) value = TRY(Follow(*node.filters, value, nullptr));
  TRY(Assign(node.target, std::move(value)));
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Run(const DefineMacro& node, Text& /*out*/) {
  TRY(budget_.Reserve(sizeof(Macro)));
  const Macro& macro = macros_.emplace_back(Macro{node.macro.get(), scope_});
  TRY(AssignName(node.macro->name, Value(&macro)));
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Run(const CallBlock& node, Text& out) {
  TRY(budget_.Reserve(sizeof(Macro)));
  const Macro& caller = macros_.emplace_back(Macro{node.caller.get(), scope_});
  const Value value = TRY(Follow(std::get<Postfix>(node.call->node), Value(), &caller));
  const Text text = TRY(Str(value, budget_));
  TRY(Append(text, out));
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Run(const FilterBlock& node, Text& out) {
  Text text = TRY(Capture(node.body));
  Value value = TRY(budget_.Make(std::move(text)));
  value = TRY(Follow(*node.filters, value, nullptr));
  const Text filtered = TRY(Str(value, budget_));
  TRY(Append(filtered, out));
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Run(const With& node, Text& out) {
  Scope* const outer = scope_;
  Scope* const inner = TRY(Open(outer));
  for (const auto& [target, expression] : node.bindings) {
    Value value = TRY(Evaluate(*expression));  // sees the names outside only
    scope_ = inner;
    TRY(Assign(target, std::move(value)));
    scope_ = outer;
  }
  scope_ = inner;
  const Flow flow = TRY(Execute(node.body, out));
  scope_ = outer;
  return flow;
}

Result<Evaluator::Flow> Evaluator::Run(const LoopExit& node, Text& /*out*/) {
  return node == LoopExit::kBreak ? Flow::kBreak : Flow::kContinue;
}

Result<Scope*> Evaluator::Open(Scope* parent) {
  TRY(budget_.Reserve(sizeof(Scope)));
  return &scopes_.emplace_back(Scope{parent, {}});
}

Result<const Value*> Evaluator::Lookup(NameId name) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    TRY(budget_.Step(scope->variables.size() / 16));
    for (const auto& [id, value] : scope->variables) {
      if (id == name) return &value;
    }
  }
  return globals_[name] ? &*globals_[name] : nullptr;
}

Result<void> Evaluator::Assign(const Target& target, Value value) {
  if (!target.attribute.empty()) return AssignAttribute(target, std::move(value));
  if (target.items.empty()) return AssignName(target.name, std::move(value));
  std::vector<Value> items = TRY(Iterate(value, budget_));
  if (items.size() != target.items.size()) {
    return TemplateError("{} values for {} names", items.size(), target.items.size());
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    TRY(Assign(target.items[i], std::move(items[i])));
  }
  return {};
}

Result<void> Evaluator::AssignName(NameId name, Value value) {
  if (scope_ == nullptr) {
    Define(name, std::move(value));
    return {};
  }
  TRY(budget_.Step(1 + scope_->variables.size() / 16));
  for (auto& [id, old] : scope_->variables) {
    if (id == name) {
      old = std::move(value);
      return {};
    }
  }
  TRY(budget_.Reserve(sizeof(scope_->variables[0])));
  scope_->variables.emplace_back(name, std::move(value));
  return {};
}

Result<void> Evaluator::AssignAttribute(const Target& target, Value value) {
  const Value* object = TRY(Lookup(target.name));
  Namespace* const space = object == nullptr ? nullptr : object->IfNamespace();
  if (space == nullptr) {
    return TemplateError("cannot assign attribute '{}' on what is no namespace", target.attribute);
  }
  TRY(budget_.Step(1 + space->attributes.size() / 16));
  for (auto& [name, old] : space->attributes) {
    if (name == target.attribute) {
      old = std::move(value);
      return {};
    }
  }
  TRY(budget_.Reserve(sizeof(space->attributes[0]) + target.attribute.size()));
  space->attributes.emplace_back(target.attribute, std::move(value));
  return {};
}

}  // namespace kinglet::jinja
