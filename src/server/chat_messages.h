// SPDX-License-Identifier: Apache-2.0
// A conversation as clients send it, made into what chat templates read: roles that templates know,
// contents that are one text each.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "engine/prompt_encoder.h"
#include "server/json_fields.h"
#include "server/output_rules.h"
#include "server/reply_format.h"
#include "text/tool_calls.h"

namespace kinglet {

inline constexpr std::size_t kMaxMessages = 4096;
inline constexpr std::size_t kMaxParts = 1024;  // of one message

// `messages` of OpenAI's chat completions. Errors go to `fields`, with the path of what is wrong.
json::array ReadMessages(JsonFields& fields);

// The text of a message's `content`, as clients send it or as it was read: of several parts those
// of text, one behind the other.
std::string TextOfContent(const json::value& content);

// One of them.
json::object ReadMessage(JsonFields& fields);

// A call as chat completions have it, but for its arguments: templates write JSON themselves, so
// they are what the text says, and the text itself where that is no JSON.
json::object PastCall(const ToolCall& call);
// What came of a call.
json::object ResultMessage(std::string_view call_id, std::string_view content);
// The assistant's message that calls of the same turn belong to, with an array for them: the last
// message where it is an assistant's, otherwise a new one.
json::object& AssistantTurn(json::array& messages);

// A text that may come in parts: {"type": "text", "text": ...}. Fails where a part is none that a
// model of texts can read.
std::string ReadContent(JsonFields& fields, std::string_view name);
// The text of one part, empty of a thought; nothing where a model of texts cannot read it.
std::optional<std::string_view> ReadPart(const json::value& part);

// Shows the model the rules that it is held to: a schema, first in the system message; tools by its
// template, or where that knows none of the notations by instructions and texts in its place.
void ShowRules(const OutputRules& rules, ToolFormat format, json::array& messages,
               ChatOptions& options);

}  // namespace kinglet
