// SPDX-License-Identifier: Apache-2.0
// Message by message, part by part.
#include "server/chat_messages.h"

#include <string>
#include <utility>

namespace kinglet {
namespace {

constexpr std::size_t kMaxParts = 1024;

// Templates write arguments as JSON themselves, from an object; clients send them as a text.
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
      arguments = *text;
      if (text->is_string()) {
        if (auto parsed = ParseJson(text->get_string())) arguments = *std::move(parsed);
      }
    }
    json::object out = call.get_object();
    out["function"] = json::object{{"name", *name}, {"arguments", std::move(arguments)}};
    calls.push_back(std::move(out));
  }
  return calls;
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
  if (const auto name = fields.Text("name")) message["name"] = *name;
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

}  // namespace

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
    const json::value* const type = Find(parts[i], "type");
    // Anthropic's clients give back what a model thought; it is not to read that again.
    if (type != nullptr && (*type == "thinking" || *type == "redacted_thinking")) continue;
    const bool is_text = type != nullptr && (*type == "text" || *type == "input_text" ||
                                             *type == "output_text" || *type == "refusal");
    const json::value* const part =
        Find(parts[i], type != nullptr && *type == "refusal" ? "refusal" : "text");
    if (!is_text || part == nullptr || !part->is_string()) {
      fields.Fail(fmt::format("{}[{}]", name, i), "is not supported: this server reads text alone");
      return {};
    }
    if (!text.empty()) text += '\n';
    text += part->get_string();
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

}  // namespace kinglet
