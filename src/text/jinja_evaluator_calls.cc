// SPDX-License-Identifier: Apache-2.0
// What a template can call: macros, recursive loops, and the functions that every chat template may
// expect.
#include <algorithm>
#include <array>
#include <ctime>
#include <string>

#include "text/chat_template.h"
#include "text/jinja_builtins.h"
#include "text/jinja_evaluator.h"
#include "text/jinja_print.h"
#include "text/jinja_text_functions.h"

namespace kinglet::jinja {

Result<Value> Evaluator::Call(const Value& callee, const Arguments& arguments) {
  if (const auto* macro = callee.If<const Macro*>()) return CallMacro(**macro, arguments);
  if (const auto* builtin = callee.If<Builtin>()) return CallGlobal(builtin->name, arguments);
  if (const auto* loop = callee.If<const Loop*>()) return CallLoop(**loop, arguments);
  if (callee.IsUndefined()) return UndefinedError(callee);
  return TemplateError("'{}' object is not callable", callee.TypeName());
}

Result<Value> Evaluator::CallMacro(const Macro& macro, const Arguments& arguments) {
  const int line = line_;
  Scope* const outer = scope_;
  scope_ = TRY(Open(macro.scope));
  TRY(BindParameters(*macro.definition, arguments));
  Text text;
  [[maybe_unused]] const Flow flow = TRY(Execute(macro.definition->body, text));  // kNext
  scope_ = outer;
  line_ = line;
  return budget_.Make(std::move(text));
}

Result<void> Evaluator::BindParameters(const MacroDefinition& macro, const Arguments& arguments) {
  const std::size_t by_position = std::min(arguments.positional.size(), macro.parameters.size());
  TRY(budget_.Step(1 + macro.parameters.size() * arguments.named.size() / 16));
  std::vector<bool> is_used(arguments.named.size(), false);
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const Parameter& parameter = macro.parameters[i];
    const std::string& name = program_.names[parameter.name];
    const auto named =
        std::ranges::find(arguments.named, name, &std::pair<std::string_view, Value>::first);
    Value value;
    if (i < by_position) {
      if (named != arguments.named.end()) return TemplateError("two values for '{}'", name);
      value = arguments.positional[i];
    } else if (named != arguments.named.end()) {
      is_used[static_cast<std::size_t>(named - arguments.named.begin())] = true;
      value = named->second;
    } else if (parameter.default_value != nullptr) {
      value = TRY(Evaluate(*parameter.default_value));
    } else {
      value = Value::OfUndefined(fmt::format("parameter '{}' was not provided", name));
    }
    TRY(AssignName(parameter.name, std::move(value)));
  }
  if (by_position < arguments.positional.size() && !macro.takes_varargs) {
    return TemplateError("macro '{}' takes not more than {} arguments", program_.names[macro.name],
                         macro.parameters.size());
  }
  if (macro.takes_varargs) {
    std::vector<Value> rest(arguments.positional.begin() + static_cast<std::ptrdiff_t>(by_position),
                            arguments.positional.end());
    Value varargs = TRY(budget_.Make(std::move(rest), SequenceKind::kTuple));
    TRY(AssignName(*varargs_name_, std::move(varargs)));
  }
  std::vector<std::pair<Value, Value>> others;
  for (std::size_t i = 0; i < arguments.named.size(); ++i) {
    const auto& [name, value] = arguments.named[i];
    if (is_used[i]) continue;
    if (name == "caller") {
      if (caller_name_) TRY(AssignName(*caller_name_, value));
    } else if (macro.takes_kwargs) {
      others.emplace_back(Value::OfLiteral(name), value);
    } else {
      return TemplateError("macro '{}' takes no argument '{}'", program_.names[macro.name], name);
    }
  }
  if (!macro.takes_kwargs) return {};
  Value kwargs = TRY(budget_.MakeDict(std::move(others)));
  return AssignName(*kwargs_name_, std::move(kwargs));
}

Result<Value> Evaluator::CallLoop(const Loop& loop, const Arguments& arguments) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"iterable"}, 1));
  if (!loop.statement->is_recursive) return TemplateError("the loop is not recursive");
  const int line = line_;
  Scope* const outer = scope_;
  scope_ = loop.scope;
  Text text;
  [[maybe_unused]] const Flow flow =
      TRY(Iterations(*loop.statement, bound[0], loop.depth + 1, text));  // kNext
  scope_ = outer;
  line_ = line;
  return budget_.Make(std::move(text));
}

Result<Value> Evaluator::LoopAttribute(const Loop& loop, std::string_view name) {
  const auto index = static_cast<std::int64_t>(loop.index);
  const auto count = static_cast<std::int64_t>(loop.items.size());
  if (name == "index") return Value(index + 1);
  if (name == "index0") return Value(index);
  if (name == "revindex") return Value(count - index);
  if (name == "revindex0") return Value(count - index - 1);
  if (name == "first") return Value(index == 0);
  if (name == "last") return Value(index + 1 == count);
  if (name == "length") return Value(count);
  if (name == "depth") return Value(static_cast<std::int64_t>(loop.depth));
  if (name == "depth0") return Value(static_cast<std::int64_t>(loop.depth) - 1);
  if (name == "previtem") {
    return index > 0 ? loop.items[loop.index - 1] : Value::OfUndefined("there is no previous item");
  }
  if (name == "nextitem") {
    return index + 1 < count ? loop.items[loop.index + 1]
                             : Value::OfUndefined("there is no next item");
  }
  return Value::OfUndefined(fmt::format("loop has no attribute '{}'", name));
}

Result<Value> Evaluator::CallGlobal(std::string_view name, const Arguments& arguments) {
  if (name == "range") return Range(arguments);
  if (name == "namespace") return MakeNamespace(arguments);
  if (name == "dict") return MakeDict(arguments);
  if (name == "strftime_now") return Now(arguments);
  if (name == "raise_exception") {
    const std::vector<Value> bound = TRY(Bind(arguments, {"message"}, 1));
    return TemplateError("{}", TRY(Str(bound[0], budget_)).bytes());
  }
  return TemplateError("the method '{}' can only be called where it is named", name);
}

Result<Value> Evaluator::Range(const Arguments& arguments) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"start", "stop", "step"}, 1));
  std::int64_t start = TRY(IntegerArgument(bound[0], "start", 0));
  std::int64_t stop = TRY(IntegerArgument(bound[1], "stop", 0));
  const std::int64_t step = TRY(IntegerArgument(bound[2], "step", 1));
  if (bound[1].IsUndefined()) stop = std::exchange(start, 0);
  if (step == 0) return TemplateError("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (std::int64_t at = start; step > 0 ? at < stop : at > stop;) {
    if (items.size() == budget_.limits().max_range_items) {
      return Error(StatusCode::kLimitExceeded, "a range of more than {} items", items.size());
    }
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return budget_.Make(std::move(items), SequenceKind::kRange);
}

Result<Value> Evaluator::MakeDict(const Arguments& arguments) {
  std::vector<std::pair<Value, Value>> entries;
  if (arguments.positional.size() > 1) return TemplateError("dict expected at most 1 argument");
  if (!arguments.positional.empty()) {
    const Dict* dict = arguments.positional[0].IfDict();
    if (dict == nullptr) return TemplateError("dict() of what is no mapping");
    entries = dict->entries;
  }
  for (const auto& [name, value] : arguments.named) {
    entries.emplace_back(Value::OfLiteral(name), value);
  }
  return budget_.MakeDict(std::move(entries));
}

Result<Value> Evaluator::MakeNamespace(const Arguments& arguments) {
  const Value dict = TRY(MakeDict(arguments));
  TRY(budget_.Reserve(sizeof(Namespace)));
  Namespace& space = namespaces_.emplace_back();
  for (const auto& [key, value] : dict.IfDict()->entries) {
    const Text name = TRY(Str(key, budget_));
    space.attributes.emplace_back(name.bytes(), value);
  }
  return Value(&space);
}

Result<Value> Evaluator::Now(const Arguments& arguments) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"format"}, 1));
  const Text& format = *TRY(TextArgument(bound[0], "format"));
  const std::time_t seconds = unix_seconds_;
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return TemplateError("there is no such time");
  std::array<char, 512> buffer{};
  const std::size_t bytes =
      std::strftime(buffer.data(), buffer.size(), format.bytes().c_str(), &utc);
  if (bytes == 0 && !format.empty()) return TemplateError("a date of more than 511 bytes");
  return budget_.Make(Text(std::string(buffer.data(), bytes), !format.data().empty()));
}

}  // namespace kinglet::jinja
