// SPDX-License-Identifier: Apache-2.0
// Fields become rules, rules a constraint and a check. What is asked for in vain is an error that
// names the field.
#include "server/output_rules.h"

#include <algorithm>
#include <map>
#include <utility>

#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/json_validator.h"
#include "grammar/text_grammar.h"
#include "text/reasoning.h"

namespace kinglet {
namespace {

using Kind = OutputRules::Kind;

constexpr std::size_t kMaxTools = 128;
constexpr std::size_t kMaxChoices = 1000;
constexpr std::size_t kMaxShownBytes = 4096;  // of a schema, where the client does not ask for it
constexpr JsonLimits kAnswerLimits{.max_depth = 500};

json::value AnyObject() { return json::object{{"type", "object"}}; }

void SetKind(JsonFields& fields, std::string_view name, Kind kind, OutputRules& rules) {
  if (rules.kind != Kind::kText) {
    fields.Fail(name, fmt::format("cannot be enforced beside {}", rules.field));
  }
  rules.kind = kind;
  rules.field = fields.PathOf(name);
}

// A schema is an object or a truth value.
void SetSchema(JsonFields& fields, std::string_view name, const json::value& schema,
               OutputRules& rules) {
  if (!schema.is_object() && !schema.is_bool()) fields.Fail(name, "must be a JSON Schema");
  SetKind(fields, name, Kind::kSchema, rules);
  rules.schema = schema;
}

// name, description, strict and schema: of a format or, in Responses, the format itself.
void ReadNamedSchema(JsonFields& fields, OutputRules& rules) {
  fields.RequiredText("name");
  (void)fields.Text("description");
  (void)fields.Flag("strict");  // a schema is enforced in either case
  const json::value* const schema = fields.Value("schema");
  if (schema == nullptr) return fields.Fail("schema", "is required");
  SetSchema(fields, "schema", *schema, rules);
}

// structured_outputs, as vLLM has it.
void ReadStructuredOutputs(JsonFields& fields, OutputRules& rules) {
  const json::object* const given = fields.Object("structured_outputs");
  if (given == nullptr) return;
  JsonFields inner(*given, fields.PathOf("structured_outputs"));
  if (const json::value* const schema = inner.Value("json")) {
    SetSchema(inner, "json", *schema, rules);
  }
  if (auto pattern = inner.Text("regex")) {
    SetKind(inner, "regex", Kind::kPattern, rules);
    rules.text = *std::move(pattern);
  }
  if (auto grammar = inner.Text("grammar")) {
    SetKind(inner, "grammar", Kind::kGrammar, rules);
    rules.text = *std::move(grammar);
  }
  if (inner.Value("choice") != nullptr) {
    SetKind(inner, "choice", Kind::kChoice, rules);
    rules.choices = inner.Texts("choice", kMaxChoices);
  }
  fields.TakeErrorOf(inner);
}

void AddTool(ToolSpec spec, std::string_view description, OutputRules& rules) {
  rules.tools.push_back(json::object{
      {"type", "function"},
      {"function",
       json::object{{"name", spec.name},
                    {"description", description},
                    {"parameters", spec.parameters.is_null() ? AnyObject() : spec.parameters}}}});
  rules.specs.push_back(std::move(spec));
}

void ReadTool(JsonFields& tool, bool nested, OutputRules& rules) {
  const json::value* const type = tool.Value("type");
  if (type != nullptr && *type != "function") {
    return tool.Fail("type", "must be function: this server runs no tools of its own");
  }
  const json::object* const inner = nested ? tool.Object("function") : nullptr;
  if (nested && inner == nullptr) return tool.Fail("function", "is required");
  std::optional<JsonFields> of_function;
  if (inner != nullptr) of_function.emplace(*inner, tool.PathOf("function"));
  JsonFields& function = of_function ? *of_function : tool;
  ToolSpec spec{.name = function.RequiredText("name")};
  const std::string description = function.Text("description").value_or("");
  if (const json::object* const parameters = function.Object("parameters")) {
    spec.parameters = *parameters;
  }
  spec.strict = function.Flag("strict").value_or(true);
  if (of_function) tool.TakeErrorOf(*of_function);
  AddTool(std::move(spec), description, rules);
}

bool HasTool(const OutputRules& rules, std::string_view name) {
  return std::ranges::count(rules.specs, name, &ToolSpec::name) > 0;
}

void CheckToolChoice(JsonFields& fields, const OutputRules& rules) {
  const ToolChoice& choice = rules.tool_choice;
  const bool is_named = choice.kind == ToolChoice::Kind::kNamed;
  if ((is_named || choice.kind == ToolChoice::Kind::kRequired) && rules.specs.empty()) {
    fields.Fail("tool_choice", "needs tools");
  } else if (is_named && !HasTool(rules, choice.name)) {
    fields.Fail("tool_choice", fmt::format("names none of the tools: {:?}", choice.name));
  }
}

// The name in {"type": "function", "function": {"name": ...}}, or without the object inside.
std::string ReadToolName(JsonFields& fields, bool nested) {
  if (!nested) return fields.RequiredText("name");
  const json::object* const function = fields.Object("function");
  if (function == nullptr) {
    fields.Fail("function", "is required");
    return {};
  }
  JsonFields of_function(*function, fields.PathOf("function"));
  std::string name = of_function.RequiredText("name");
  fields.TakeErrorOf(of_function);
  return name;
}

// Each of `tools`, read by `read`.
template <typename Read>
void ReadToolList(JsonFields& fields, Read read) {
  const json::array* const tools = fields.Array("tools");
  if (tools == nullptr) return;
  if (tools->size() > kMaxTools) fields.Fail("tools", fmt::format("are over {}", kMaxTools));
  for (std::size_t i = 0; i < std::min(tools->size(), kMaxTools); ++i) {
    const std::string name = fmt::format("tools[{}]", i);
    const json::object* const tool = (*tools)[i].if_object();
    if (tool == nullptr) return fields.Fail(name, "must be an object");
    JsonFields inner(*tool, fields.PathOf(name));
    read(inner);
    fields.TakeErrorOf(inner);
  }
}

// The model sees all tools, so that what was computed of them is kept, and may call these.
void ReadAllowedTools(JsonFields& fields, bool nested, OutputRules& rules) {
  const auto mode = fields.Word("mode", {"auto", "required"});
  if (!mode) fields.Fail("mode", "is required: auto or required");
  rules.tool_choice.kind = mode == "auto" ? ToolChoice::Kind::kAuto : ToolChoice::Kind::kRequired;
  std::vector<std::string> names;
  ReadToolList(fields, [&](JsonFields& tool) {
    tool.Word("type", {"function"});
    names.push_back(ReadToolName(tool, nested));
  });
  if (names.empty()) return fields.Fail("tools", "is required");
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!HasTool(rules, names[i])) fields.Fail(fmt::format("tools[{}]", i), "is none of the tools");
  }
  std::erase_if(rules.specs,
                [&](const ToolSpec& spec) { return std::ranges::count(names, spec.name) == 0; });
}

void ReadToolChoice(JsonFields& fields, bool nested, OutputRules& rules) {
  const json::value* const choice = fields.Value("tool_choice");
  if (choice == nullptr) return;
  ToolChoice& out = rules.tool_choice;
  if (const json::object* const named = choice->if_object()) {
    JsonFields inner(*named, "tool_choice");
    const auto type = inner.Word("type", {"function", "allowed_tools"});
    if (type != "allowed_tools") {
      out = {ToolChoice::Kind::kNamed, ReadToolName(inner, nested)};
    } else if (!nested) {
      ReadAllowedTools(inner, nested, rules);
    } else if (const json::object* const allowed = inner.Object("allowed_tools")) {
      JsonFields of_allowed(*allowed, "tool_choice.allowed_tools");
      ReadAllowedTools(of_allowed, nested, rules);
      inner.TakeErrorOf(of_allowed);
    } else {
      inner.Fail("allowed_tools", "is required");
    }
    fields.TakeErrorOf(inner);
  } else if (const auto word = fields.Word("tool_choice", {"none", "auto", "required"})) {
    out.kind = *word == "none"   ? ToolChoice::Kind::kNone
               : *word == "auto" ? ToolChoice::Kind::kAuto
                                 : ToolChoice::Kind::kRequired;
  }
  CheckToolChoice(fields, rules);
}

void ReadAnthropicTool(JsonFields& tool, OutputRules& rules) {
  const json::value* const type = tool.Value("type");
  if (type != nullptr && *type != "custom") {
    return tool.Fail("type", "must be custom: this server runs no tools of its own");
  }
  ToolSpec spec{.name = tool.RequiredText("name")};
  const std::string description = tool.Text("description").value_or("");
  const json::object* const schema = tool.Object("input_schema");
  if (schema == nullptr) return tool.Fail("input_schema", "is required");
  spec.parameters = *schema;
  spec.strict = tool.Flag("strict").value_or(true);
  // What was computed is kept, and arguments are sent as they come, without being asked to.
  tool.Ignore({"cache_control", "eager_input_streaming"});
  AddTool(std::move(spec), description, rules);
}

// Parsed and validated by what shares no code with the grammar.
class JsonCheck final : public AnswerCheck {
 public:
  static Result<std::shared_ptr<const JsonCheck>> Create(const OutputRules& rules) {
    auto check = std::make_shared<JsonCheck>();
    if (rules.kind == Kind::kSchema) check->text_ = TRY(JsonValidator::Create(rules.schema));
    for (const ToolSpec& spec : rules.specs) {
      const bool has_schema = spec.strict && spec.parameters.is_object();
      check->tools_[spec.name] =
          TRY(JsonValidator::Create(has_schema ? spec.parameters : AnyObject()));
    }
    return check;
  }

  Result<void> Check(std::string_view text, std::span<const ToolCall> calls) const override {
    if (text_ != nullptr) TRY(Holds(*text_, text));
    for (const ToolCall& call : calls) {
      const auto tool = tools_.find(call.name);
      if (tool == tools_.end()) return Error(StatusCode::kFailed, "no tool {:?}", call.name);
      const Result<void> holds = Holds(*tool->second, call.arguments);
      if (!holds) return std::unexpected(holds.error().WithContext(call.name));
    }
    return {};
  }

 private:
  static Result<void> Holds(const JsonValidator& validator, std::string_view text) {
    const json::value value = TRY(ParseJson(text, kAnswerLimits));
    return validator.Validate(value);
  }

  std::unique_ptr<JsonValidator> text_;
  std::map<std::string, std::unique_ptr<JsonValidator>, std::less<>> tools_;
};

Result<Grammar> CompileGrammar(const OutputRules& rules, ToolFormat format) {
  if (!rules.specs.empty()) {
    // Llama's own template refuses a turn of several calls.
    const bool has_many = rules.has_many_calls && format != ToolFormat::kLlama;
    return ToolGrammar(rules.specs, format, rules.tool_choice, has_many);
  }
  switch (rules.kind) {
    case Kind::kSchema:
      return CompileJsonSchema(rules.schema);
    case Kind::kGrammar:
      return ParseGbnf(rules.text);
    case Kind::kPattern:
      return PatternGrammar(rules.text);
    default:
      return ChoiceGrammar(rules.choices);
  }
}

// A model that thinks may do so before what the grammar describes.
Result<Grammar> BehindThought(Grammar grammar, bool is_begun) {
  RegexPool& pool = grammar.regex();
  const RegexId end = pool.Literal(kThinkEnd);
  const RegexId blank = pool.Or({pool.Literal("\n"), pool.Literal(" ")});
  RegexId thought = pool.Concat(
      {pool.Not(pool.Concat({kAnyText, end, kAnyText})), end, pool.Repeat(blank, 0, 2)});
  if (!is_begun) {
    thought = pool.Repeat(pool.Concat(pool.Literal(kThinkBegin), thought), 0, 1);
  }
  TRY(grammar.Finish(grammar.Sequence(grammar.Terminal(thought), grammar.root())));
  return grammar;
}

// What makes two rules the same.
std::string KeyOf(const OutputRules& rules, bool thinks, bool thought_begun) {
  json::array specs;
  for (const ToolSpec& spec : rules.specs) {
    specs.push_back(json::array{spec.name, spec.parameters, spec.strict});
  }
  json::array choices(rules.choices.begin(), rules.choices.end());
  return ToJson(json::array{static_cast<int>(rules.kind), rules.schema, rules.text,
                            std::move(choices), std::move(specs),
                            static_cast<int>(rules.tool_choice.kind), rules.tool_choice.name,
                            rules.has_many_calls, thinks, thought_begun});
}

}  // namespace

void ReadFlatFormat(JsonFields& fields, OutputRules& rules) {
  const auto type = fields.Word("type", {"text", "json_object", "json_schema"});
  if (!type) return fields.Fail("type", "is required");
  if (*type == "json_object") SetSchema(fields, "type", AnyObject(), rules);
  if (*type == "json_schema") ReadNamedSchema(fields, rules);
}

void ReadFormat(JsonFields& fields, OutputRules& rules) {
  if (const json::object* const format = fields.Object("response_format")) {
    JsonFields inner(*format, "response_format");
    const auto type = inner.Word("type", {"text", "json_object", "json_schema"});
    if (!type) inner.Fail("type", "is required");
    if (type == "json_object") {
      // llama.cpp's users put a schema beside it.
      const json::value* const schema = inner.Value("schema");
      SetSchema(inner, schema == nullptr ? "type" : "schema",
                schema == nullptr ? AnyObject() : *schema, rules);
    }
    if (type == "json_schema") {
      if (const json::object* const named = inner.Object("json_schema")) {
        JsonFields of_schema(*named, "response_format.json_schema");
        ReadNamedSchema(of_schema, rules);
        inner.TakeErrorOf(of_schema);
      } else {
        inner.Fail("json_schema", "is required");
      }
    }
    fields.TakeErrorOf(inner);
  }
  if (const json::value* const schema = fields.Value("json_schema")) {
    SetSchema(fields, "json_schema", *schema, rules);
  }
  if (auto grammar = fields.Text("grammar"); grammar && !grammar->empty()) {
    SetKind(fields, "grammar", Kind::kGrammar, rules);
    rules.text = *std::move(grammar);
  }
  ReadStructuredOutputs(fields, rules);
}

void ReadOllamaFormat(JsonFields& fields, OutputRules& rules) {
  const json::value* const format = fields.Value("format");
  if (format == nullptr || *format == "") return;
  SetSchema(fields, "format", *format == "json" ? AnyObject() : *format, rules);
}

void ReadTools(JsonFields& fields, bool nested, OutputRules& rules) {
  ReadToolList(fields, [&](JsonFields& tool) { ReadTool(tool, nested, rules); });
  ReadToolChoice(fields, nested, rules);
  rules.has_many_calls = fields.Flag("parallel_tool_calls").value_or(true);
  const bool may_call = rules.tool_choice.kind != ToolChoice::Kind::kNone;
  if (rules.kind != Kind::kText && !may_call) {
    rules.tools.clear();
    rules.specs.clear();
  }
  if (!rules.specs.empty() && rules.kind != Kind::kText) {
    fields.Fail("tools", fmt::format("cannot be enforced beside {}", rules.field));
  }
  if (!rules.specs.empty()) rules.field = "tools";
}

void ReadAnthropicTools(JsonFields& fields, OutputRules& rules) {
  ReadToolList(fields, [&](JsonFields& tool) { ReadAnthropicTool(tool, rules); });
  if (!rules.specs.empty()) rules.field = "tools";
  const json::object* const choice = fields.Object("tool_choice");
  if (choice == nullptr) return;
  JsonFields inner(*choice, "tool_choice");
  using Choice = ToolChoice::Kind;
  const auto type = inner.Word("type", {"auto", "any", "tool", "none"});
  if (!type) inner.Fail("type", "is required: auto, any, tool or none");
  if (type == "any") rules.tool_choice.kind = Choice::kRequired;
  if (type == "none") rules.tool_choice.kind = Choice::kNone;
  if (type == "tool") rules.tool_choice = {Choice::kNamed, inner.RequiredText("name")};
  rules.has_many_calls = !inner.Flag("disable_parallel_tool_use").value_or(false);
  fields.TakeErrorOf(inner);
  CheckToolChoice(fields, rules);
}

std::optional<std::string> ShownSchema(const OutputRules& rules) {
  if (rules.kind != Kind::kSchema || rules.schema == AnyObject()) return {};
  std::string text = ToJson(rules.schema);
  if (!rules.shows_schema.value_or(text.size() <= kMaxShownBytes)) return {};
  return text;
}

ApiResult<CompiledRules> Compile(const OutputRules& rules, const Engine& engine,
                                 bool thought_begun) {
  CompiledRules compiled;
  if (rules.kind == Kind::kText && rules.specs.empty()) return compiled;
  const bool thinks = engine.prompts().TemplateReads(kThinkEnd);
  const auto compile = [&]() -> Result<Grammar> {
    Grammar grammar = TRY(CompileGrammar(rules, engine.tool_format()));
    if (!thinks) return grammar;
    return BehindThought(std::move(grammar), thought_begun);
  };
  const auto refuse = [&](const Status& status) {
    ApiError error = ApiError::OfField({rules.field, "cannot be enforced: " + status.message()});
    error.code = "unenforceable";
    return std::unexpected(std::move(error));
  };
  auto constraint = engine.grammars().Get(KeyOf(rules, thinks, thought_begun), compile);
  if (!constraint) return refuse(constraint.error());
  compiled.constraint = *std::move(constraint);
  if (!rules.specs.empty()) compiled.tool_format = engine.tool_format();
  auto check = JsonCheck::Create(rules);
  if (!check) return refuse(check.error());
  compiled.check = *std::move(check);
  return compiled;
}

}  // namespace kinglet
