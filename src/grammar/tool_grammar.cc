// SPDX-License-Identifier: Apache-2.0
// Text that has no marker is a regular language; a call is its notation around a schema's texts.
#include "grammar/tool_grammar.h"

#include <algorithm>
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
  return grammar.Terminal(grammar.regex().Or(ways));
}

RegexId Blanks(RegexPool& pool, std::uint32_t max) {
  ByteSet blanks;
  for (const char c : kToolBlanks) blanks.Add(static_cast<std::uint8_t>(c));
  return pool.Repeat(pool.Bytes(blanks), 0, max);
}

// What text must not begin with where calls may lack a marker. An object that first has the name of
// a tool is a call, or the model would write what its mask still allows: other "arguments". So is,
// whoever's name it has, what the splitter would take for one: an object whose members are strings,
// a name among them, up to the brace of its arguments.
RegexId UnmarkedHead(RegexPool& pool, const ToolNotation& notation,
                     const std::vector<const ToolSpec*>& tools) {
  const RegexId blanks = Blanks(pool, kUnbounded);
  const auto literal = [&](std::string_view text) { return pool.Literal(text); };
  const auto parts_of = [&](RegexId name, RegexId value) {
    return pool.Concat({name, blanks, literal(":"), blanks, value});
  };
  std::vector<RegexId> opens;
  for (const std::string_view open : notation.opens)
    opens.push_back(literal(open.substr(0, open.find_last_not_of(kToolBlanks) + 1)));
  std::vector<RegexId> names;
  for (const ToolSpec* const tool : tools)
    names.push_back(literal(fmt::format("\"{}\"", tool->name)));
  const ByteSet in_string = ByteSet::Range(0x20, 0xFF) & ~(ByteSet::Of('"') | ByteSet::Of('\\'));
  const RegexId string = pool.Concat(
      {literal("\""), pool.Repeat(pool.Bytes(in_string), 0, kUnbounded), literal("\"")});
  const RegexId comma = pool.Concat({blanks, literal(","), blanks});
  const RegexId member = pool.Concat(parts_of(string, string), comma);
  const RegexId members = pool.Repeat(member, 0, kUnbounded);
  const RegexId arguments = pool.Or({literal("\"arguments\""), literal("\"parameters\"")});
  const RegexId known = parts_of(literal("\"name\""), pool.Or(names));
  const RegexId whole = pool.Concat({members, parts_of(literal("\"name\""), string), comma, members,
                                     parts_of(arguments, literal("{"))});
  return pool.Concat(
      {blanks, pool.Or(opens), blanks, literal("{"), blanks, pool.Or({known, whole})});
}

// Text in which nothing looks like a call.
NodeId PlainText(Grammar& grammar, const ToolNotation& notation,
                 const std::vector<const ToolSpec*>& tools) {
  RegexPool& pool = grammar.regex();
  RegexId text = pool.Not(pool.Concat({kAnyText, pool.Literal(notation.marker), kAnyText}));
  if (notation.is_bare) {
    const RegexId bare = pool.Concat({Blanks(pool, kUnbounded), pool.Literal("{"), kAnyText});
    text = pool.And({text, pool.Not(bare)});
  }
  if (notation.unmarked != nullptr) {
    const RegexId call = pool.Concat(UnmarkedHead(pool, *notation.unmarked, tools), kAnyText);
    text = pool.And({text, pool.Not(call)});
  }
  return grammar.Terminal(text);
}

// A notation's text in which each blank stands for some, so many that indentation fits.
RegexId WithBlanks(RegexPool& pool, std::string_view text) {
  constexpr std::uint32_t kMaxBlanks = 16;
  RegexId all = kEmptyText;
  while (!text.empty()) {
    const std::size_t bytes = std::min(text.find_first_of(kToolBlanks), text.size());
    all = pool.Concat(all, pool.Literal(text.substr(0, bytes)));
    if (bytes < text.size()) all = pool.Concat(all, Blanks(pool, kMaxBlanks));
    text.remove_prefix(std::min(bytes + 1, text.size()));
  }
  return all;
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

struct CallableTool {
  const ToolSpec* spec;
  NodeId arguments;
};

// The calls in a notation, without what opens them. Those without a marker have blanks as the model
// likes them, and what closes a fence may stand behind a bare object, too.
NodeId Calls(Grammar& grammar, const std::vector<CallableTool>& tools, const ToolNotation& notation,
             bool has_many, bool is_marked) {
  RegexPool& pool = grammar.regex();
  const auto write = [&](std::string_view text) {
    return is_marked ? pool.Literal(text) : WithBlanks(pool, text);
  };
  const RegexId after_call =
      pool.Concat(is_marked ? kEmptyText : write(" "), write(notation.after_call));
  std::vector<NodeId> ways;
  for (const CallableTool& tool : tools) {
    const RegexId head = write(
        fmt::format("{}{}{}", notation.before_name, tool.spec->name, notation.before_arguments));
    ways.push_back(
        grammar.Sequence({grammar.Terminal(head), tool.arguments, grammar.Terminal(after_call)}));
  }
  const NodeId call = grammar.Choice(std::move(ways));
  std::vector<RegexId> betweens;
  for (const std::string_view between : notation.betweens) betweens.push_back(write(between));
  const NodeId next = grammar.Sequence(grammar.Terminal(pool.Or(betweens)), call);
  const RegexId close = pool.Repeat(write(notation.close), is_marked ? 1 : 0, 1);
  return grammar.Sequence({call, has_many ? grammar.Repeat(next, 0, kUnbounded) : Grammar::kEmpty,
                           grammar.Terminal(close)});
}

}  // namespace

Result<Grammar> ToolGrammar(std::span<const ToolSpec> tools, ToolFormat format,
                            const ToolChoice& choice, bool has_many) {
  const ToolNotation& notation = NotationOf(format);
  const std::vector<const ToolSpec*> callable = TRY(Callable(tools, choice));
  Grammar grammar;
  std::vector<CallableTool> known;
  for (const ToolSpec* const tool : callable) {
    const Result<NodeId> added = Arguments(grammar, *tool);
    if (!added) return std::unexpected(added.error().WithContext(Of(*tool)));
    known.push_back({tool, *added});
  }
  const NodeId calls = Calls(grammar, known, notation, has_many, /*is_marked=*/true);
  const NodeId opened = grammar.Sequence(OneOf(grammar, notation.opens), calls);
  std::vector<NodeId> replies;
  const bool has_text =
      choice.kind == ToolChoice::Kind::kAuto || choice.kind == ToolChoice::Kind::kNone;
  replies.push_back(has_text ? grammar.Sequence(PlainText(grammar, notation, callable),
                                                grammar.Choice({Grammar::kEmpty, opened}))
                             : opened);
  if (notation.is_bare) replies.push_back(calls);
  if (notation.unmarked != nullptr && choice.kind == ToolChoice::Kind::kAuto) {
    replies.push_back(
        grammar.Sequence(OneOf(grammar, notation.unmarked->opens),
                         Calls(grammar, known, *notation.unmarked, has_many, /*is_marked=*/false)));
  }
  const Result<void> finished = grammar.Finish(grammar.Choice(std::move(replies)));
  for (const CallableTool& tool : known) {
    if (!grammar.MatchesSomething(tool.arguments))
      return Error(StatusCode::kInvalidInput, "{}: its schema allows no object", Of(*tool.spec));
  }
  TRY(finished);
  return grammar;
}

}  // namespace kinglet
