// SPDX-License-Identifier: Apache-2.0
// Message by message, part by part.
#include "server/chat_messages.h"

#include <string>
#include <utility>

#include "base/digest.h"

namespace kinglet {
namespace {

constexpr std::size_t kShortId = 9;

json::value ValueOf(const json::value& arguments) {
  if (!arguments.is_string()) return arguments;
  Result<json::value> parsed = ParseJson(arguments.get_string());
  return parsed ? *std::move(parsed) : arguments;
}

json::array ReadToolCalls(JsonFields& fields) {
  json::array calls;
  const json::array* const given = fields.Array("tool_calls");
  if (given == nullptr) return calls;
  for (const json::value& call : *given) {
    const json::value* const function = Find(call, "function");
    const json::value* const name = function == nullptr ? nullptr : Find(*function, "name");
    if (name == nullptr || !name->is_string()) {
      fields.Fail("tool_calls", "must hold objects with a function, which has a name");
      return {};
    }
    json::value arguments = json::object();
    if (const json::value* const text = Find(*function, "arguments"); text != nullptr) {
      arguments = ValueOf(*text);
    }
    json::object out = call.get_object();
    out["function"] = json::object{{"name", *name}, {"arguments", std::move(arguments)}};
    calls.push_back(std::move(out));
  }
  return calls;
}

std::string TextOf(const json::value& content) {
  return content.is_string() ? std::string(content.get_string()) : std::string();
}

// Past calls and what came of them, for templates that know neither.
void WriteCallsAsText(json::object& message) {
  if (message.at("role") == "tool") {
    message["role"] = "user";
    message["content"] = "The result of the call:\n" + TextOf(message.at("content"));
  }
  const json::value* const calls = message.if_contains("tool_calls");
  if (calls == nullptr) return;
  json::array list;
  for (const json::value& call : calls->as_array()) list.push_back(call.at("function"));
  std::string text = TextOf(message.at("content"));
  if (!text.empty()) text += "\n";
  message["content"] = text + ToJson(json::object{{"tool_calls", std::move(list)}});
  message.erase("tool_calls");
}

// Mistral's templates take ids of nine letters and digits alone. Others', and those that clients of
// Ollama's leave out, become such ones: a result's is that of its call, or of the first call that
// has none yet.
void ShortenCallIds(json::array& messages) {
  int calls_seen = 0, results_seen = 0;
  const auto shorten = [](json::object& holder, std::string_view name, int number) {
    const json::value* const given = holder.if_contains(name);
    const std::string id = given == nullptr ? fmt::to_string(number) : TextOf(*given);
    holder[name] = id.size() == kShortId ? id : Sha256::HexOf(id).substr(0, kShortId);
  };
  for (json::value& message : messages) {
    json::object& turn = message.as_object();
    if (turn.at("role") == "tool") shorten(turn, "tool_call_id", results_seen++);
    json::value* const calls = turn.if_contains("tool_calls");
    if (calls == nullptr) continue;
    for (json::value& call : calls->as_array()) shorten(call.as_object(), "id", calls_seen++);
  }
}

void PutFirst(std::string instructions, json::array& messages) {
  json::object* const first = messages.empty() ? nullptr : messages[0].if_object();
  if (first != nullptr && first->at("role") == "system" && first->at("content").is_string()) {
    json::string& content = first->at("content").get_string();
    content = instructions + "\n\n" + std::string(content);
  } else {
    messages.insert(messages.begin(), json::object{{"role", "system"}, {"content", instructions}});
  }
}

}  // namespace

json::object PastCall(const ToolCall& call) {
  json::object out = CallToJson(call);
  json::value& arguments = out["function"].as_object()["arguments"];
  arguments = ValueOf(json::value(arguments));
  return out;
}

json::object ResultMessage(std::string_view call_id, std::string_view content) {
  return {{"role", "tool"}, {"tool_call_id", call_id}, {"content", content}};
}

json::object& AssistantTurn(json::array& messages) {
  if (messages.empty() || messages.back().at("role") != "assistant") {
    messages.push_back(json::object{{"role", "assistant"}, {"content", ""}});
  }
  json::object& message = messages.back().as_object();
  if (!message.contains("tool_calls")) message["tool_calls"] = json::array();
  return message;
}

json::object ReadMessage(JsonFields& fields) {
  json::object message;
  std::string role =
      fields.Word("role", {"system", "developer", "user", "assistant", "tool"}).value_or("");
  if (role.empty()) fields.Fail("role", "is required: system, developer, user, assistant or tool");
  if (role == "developer") role = "system";
  message["role"] = role;
  json::array calls = ReadToolCalls(fields);
  if (!calls.empty() && role != "assistant") fields.Fail("tool_calls", "are an assistant's");
  const bool has_content = fields.Value("content") != nullptr;
  if (!has_content && calls.empty()) fields.Fail("content", "is required");
  message["content"] = ReadContent(fields, "content");
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  for (const char* const field : {"tool_name", "name"}) {  // the first is Ollama's
    if (const auto name = fields.Text(field)) message["name"] = *name;
  }
  if (const auto id = fields.Text("tool_call_id")) message["tool_call_id"] = *id;
  for (const char* const name : {"reasoning_content", "thinking"}) {
    if (const auto thought = fields.Text(name)) message["reasoning_content"] = *thought;
  }
  fields.Ignore({"refusal", "annotations"});
  fields.OnlyDefault("images", {json::array()}, "is not supported: this server reads text alone");
  fields.OnlyDefault("audio", {}, "is not supported: this server reads text alone");
  fields.OnlyDefault("function_call", {}, "is not supported: use tool_calls");
  return message;
}

std::optional<std::string_view> ReadPart(const json::value& part) {
  const json::value* const type = Find(part, "type");
  if (type == nullptr) return std::nullopt;
  // Anthropic's clients give back what a model thought; it is not to read that again.
  if (*type == "thinking" || *type == "redacted_thinking") return "";
  const bool is_refusal = *type == "refusal";
  const bool is_text =
      is_refusal || *type == "text" || *type == "input_text" || *type == "output_text";
  const json::value* const text = Find(part, is_refusal ? "refusal" : "text");
  if (!is_text || text == nullptr || !text->is_string()) return std::nullopt;
  return std::string_view(text->get_string());
}

std::string ReadContent(JsonFields& fields, std::string_view name) {
  const json::value* const value = fields.Value(name);
  if (value == nullptr) return {};
  if (value->is_string()) return std::string(value->get_string());
  if (!value->is_array() || value->get_array().size() > kMaxParts) {
    fields.Fail(name, fmt::format("must be a string, or an array of at most {} parts", kMaxParts));
    return {};
  }
  std::string text;
  const json::array& parts = value->get_array();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = ReadPart(parts[i]);
    if (!part) {
      fields.Fail(fmt::format("{}[{}]", name, i), "is not supported: this server reads text alone");
      return {};
    }
    if (!text.empty() && !part->empty()) text += '\n';
    text += *part;
  }
  return text;
}

std::string TextOfContent(const json::value& content) {
  if (content.is_string()) return std::string(content.get_string());
  std::string text;
  if (!content.is_array()) return text;
  for (const json::value& part : content.get_array()) {
    const json::value* const piece = Find(part, "text");
    if (piece != nullptr && piece->is_string()) text += std::string_view(piece->get_string());
  }
  return text;
}

json::array ReadMessages(JsonFields& fields) {
  json::array messages;
  const json::array* const given = fields.Array("messages");
  if (given == nullptr || given->empty() || given->size() > kMaxMessages) {
    fields.Fail("messages", fmt::format("is required: 1 to {} messages", kMaxMessages));
    return messages;
  }
  for (std::size_t i = 0; i < given->size(); ++i) {
    const std::string path = fields.PathOf(fmt::format("messages[{}]", i));
    if (!(*given)[i].is_object()) {
      fields.Fail(fmt::format("messages[{}]", i), "must be an object");
      return messages;
    }
    JsonFields of_message((*given)[i].get_object(), path);
    messages.push_back(ReadMessage(of_message));
    if (const auto error = of_message.Finish()) {
      fields.Fail(error->field, error->message);
      return messages;
    }
  }
  return messages;
}

void ShowRules(const OutputRules& rules, ToolFormat format, json::array& messages,
               ChatOptions& options) {
  if (const auto schema = ShownSchema(rules)) {
    PutFirst(
        "Answer with one JSON value that satisfies this JSON Schema, and nothing else:\n" + *schema,
        messages);
  }
  if (format != ToolFormat::kJson) {
    options.tools = rules.tools;
    const bool is_mistral = format == ToolFormat::kMistral || format == ToolFormat::kMistralArgs;
    if (is_mistral) ShortenCallIds(messages);
    return;
  }
  for (json::value& message : messages) WriteCallsAsText(message.as_object());
  if (!rules.tools.empty()) PutFirst(ToolInstructions(rules.tools), messages);
}

}  // namespace kinglet
