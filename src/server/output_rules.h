// SPDX-License-Identifier: Apache-2.0
// What a client asks of an answer beside words: JSON by a schema, a grammar, calls of tools. All of
// it is enforced while the model writes and checked once more before it is published.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "grammar/tool_grammar.h"
#include "server/api_error.h"
#include "server/json_fields.h"
#include "server/reply_format.h"
#include "text/tool_calls.h"

namespace kinglet {

struct OutputRules {
  enum class Kind : std::uint8_t { kText, kSchema, kGrammar, kPattern, kChoice };
  Kind kind = Kind::kText;
  std::string field;                 // of the request, for errors
  json::value schema;                // kSchema; as it was sent
  std::optional<bool> shows_schema;  // to the model; absent: where that takes few tokens
  std::string text;                  // kGrammar: GBNF; kPattern: a regular expression
  std::vector<std::string> choices;  // kChoice

  json::array tools;  // as OpenAI's API has them; empty: there are none to call
  std::vector<ToolSpec> specs;
  ToolChoice tool_choice;
  bool has_many_calls = true;
};

// response_format or, as llama.cpp's and vLLM's users send them, json_schema, grammar and
// structured_outputs; one of them at most.
void ReadFormat(JsonFields& fields, OutputRules& rules);
// One {"type": "json_schema" | "json_object" | "text"} with its schema beside it (Responses).
void ReadFlatFormat(JsonFields& fields, OutputRules& rules);
// Ollama's format: "json", or a schema.
void ReadOllamaFormat(JsonFields& fields, OutputRules& rules);
// tools, tool_choice, parallel_tool_calls. nested: a tool's parts are in a member "function".
void ReadTools(JsonFields& fields, bool nested, OutputRules& rules);
// The same as Anthropic has them: tools, tool_choice.
void ReadAnthropicTools(JsonFields& fields, OutputRules& rules);

// The schema as the model is to see it, where it is: it knows of descriptions, which nothing
// enforces, and what the names are for.
std::optional<std::string> ShownSchema(const OutputRules& rules);

// Looks at finished answers; shares nothing with what kept the model to the rules.
class AnswerCheck {
 public:
  virtual ~AnswerCheck() = default;
  // kFailed names what is wrong.
  virtual Result<void> Check(std::string_view text, std::span<const ToolCall> calls) const = 0;
};

struct CompiledRules {
  std::shared_ptr<const TokenConstraint> constraint;  // null: any text
  std::shared_ptr<const AnswerCheck> check;           // null: nothing to check
  std::optional<ToolFormat> tool_format;              // where there are tools
};

// thought_begun: the prompt ends within a thought, behind which the rules begin. The error's field
// is that of the request, its message has the JSON pointer of what cannot be enforced.
ApiResult<CompiledRules> Compile(const OutputRules& rules, const Engine& engine,
                                 bool thought_begun);

}  // namespace kinglet
