// SPDX-License-Identifier: Apache-2.0
// Text that has no marker is a regular language; a call is its notation around a schema's texts.
#include "grammar/tool_grammar.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include "grammar/json_schema.h"

namespace kinglet {
namespace {

using NodeId = Grammar::NodeId;

NodeId OneOf(Grammar& grammar, std::span<const std::string_view> texts) {
  std::vector<RegexId> ways;
  for (const std::string_view text : texts) ways.push_back(grammar.regex().Literal(text));
  return grammar.Terminal(grammar.regex().Or(std::move(ways)));
}

// Text in which nothing looks like a call.
NodeId PlainText(Grammar& grammar, const ToolNotation& notation) {
  RegexPool& pool = grammar.regex();
  RegexId text = pool.Not(pool.Concat({kAnyText, pool.Literal(notation.marker), kAnyText}));
  if (notation.is_bare) {
    ByteSet blanks;
    for (const char c : kToolBlanks) blanks.Add(static_cast<std::uint8_t>(c));
    const RegexId bare =
        pool.Concat({pool.Repeat(pool.Bytes(blanks), 0, kUnbounded), pool.Literal("{"), kAnyText});
    text = pool.And({text, pool.Not(bare)});
  }
  return grammar.Terminal(text);
}

std::string Of(const ToolSpec& tool) { return fmt::format("the tool {:?}", tool.name); }

bool HasNoMembers(const boost::json::value& parameters) {
  return parameters.is_null() || (parameters.is_object() && parameters.get_object().empty());
}

Result<NodeId> Arguments(Grammar& grammar, const ToolSpec& tool) {
  if (HasNoMembers(tool.parameters)) return grammar.Literal("{}");
  // Tried apart, since what has failed stays in a grammar.
  if (!tool.strict && !CompileJsonSchema(tool.parameters))
    return AddJsonSchemaObjects(grammar, true);
  return AddJsonSchemaObjects(grammar, tool.parameters);
}

Result<std::vector<const ToolSpec*>> Callable(std::span<const ToolSpec> tools,
                                              const ToolChoice& choice) {
  std::vector<const ToolSpec*> callable;
  std::unordered_set<std::string_view> names;
  for (const ToolSpec& tool : tools) {
    if (!IsToolName(tool.name)) {
      return Error(StatusCode::kInvalidInput,
                   "{:?} is no name of a tool: 1 to 128 letters, digits and _-.:/", tool.name);
    }
    if (!names.insert(tool.name).second)
      return Error(StatusCode::kInvalidInput, "two tools have the name {:?}", tool.name);
    if (choice.kind == ToolChoice::Kind::kNone) continue;
    if (choice.kind != ToolChoice::Kind::kNamed || tool.name == choice.name)
      callable.push_back(&tool);
  }
  if (callable.empty() && choice.kind == ToolChoice::Kind::kNamed)
    return Error(StatusCode::kInvalidInput, "no tool has the name {:?}", choice.name);
  if (callable.empty() && choice.kind == ToolChoice::Kind::kRequired)
    return Error(StatusCode::kInvalidInput, "a call is required, but there is no tool");
  return callable;
}

}  // namespace

Result<Grammar> ToolGrammar(std::span<const ToolSpec> tools, ToolFormat format,
                            const ToolChoice& choice, bool has_many) {
  const ToolNotation& notation = NotationOf(format);
  const std::vector<const ToolSpec*> callable = TRY(Callable(tools, choice));
  Grammar grammar;
  std::vector<NodeId> arguments;
  std::vector<NodeId> ways;
  for (const ToolSpec* const tool : callable) {
    const Result<NodeId> added = Arguments(grammar, *tool);
    if (!added) return std::unexpected(added.error().WithContext(Of(*tool)));
    arguments.push_back(*added);
    const NodeId head = grammar.Literal(
        fmt::format("{}{}{}", notation.before_name, tool->name, notation.before_arguments));
    ways.push_back(grammar.Sequence({head, *added, grammar.Literal(notation.after_call)}));
  }
  const NodeId call = grammar.Choice(std::move(ways));
  const NodeId next = grammar.Sequence(OneOf(grammar, notation.betweens), call);
  const NodeId calls =
      grammar.Sequence({call, has_many ? grammar.Repeat(next, 0, kUnbounded) : Grammar::kEmpty,
                        grammar.Literal(notation.close)});
  const NodeId opened = grammar.Sequence(OneOf(grammar, notation.opens), calls);
  std::vector<NodeId> replies;
  const bool has_text =
      choice.kind == ToolChoice::Kind::kAuto || choice.kind == ToolChoice::Kind::kNone;
  replies.push_back(has_text ? grammar.Sequence(PlainText(grammar, notation),
                                                grammar.Choice({Grammar::kEmpty, opened}))
                             : opened);
  if (notation.is_bare) replies.push_back(calls);
  const Result<void> finished = grammar.Finish(grammar.Choice(std::move(replies)));
  for (std::size_t i = 0; i < callable.size(); ++i) {
    if (!grammar.MatchesSomething(arguments[i]))
      return Error(StatusCode::kInvalidInput, "{}: its schema allows no object", Of(*callable[i]));
  }
  TRY(finished);
  return grammar;
}

}  // namespace kinglet
