// SPDX-License-Identifier: Apache-2.0
// Items become the messages that templates read.
#include "server/openai_responses.h"

#include <utility>

#include "server/chat_messages.h"
#include "server/openai_responses_format.h"

namespace kinglet {

void ResponseMemory::Remember(const std::string& id, const std::string& owner, json::array messages,
                              json::object response) {
  const std::size_t bytes =
      ToJson(json::value(messages)).size() + ToJson(json::value(response)).size() + sizeof(Entry);
  if (bytes > max_bytes_) return;
  const std::scoped_lock lock(mutex_);
  entries_.push_front({id, owner, {std::move(messages), std::move(response)}, bytes});
  by_id_[id] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_id_.erase(entries_.back().id);
    entries_.pop_back();
  }
}

std::optional<ResponseMemory::Remembered> ResponseMemory::Recall(const std::string& id,
                                                                 const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->owner != owner) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->what;
}

bool ResponseMemory::Forget(const std::string& id, const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->owner != owner) return false;
  bytes_ -= found->second->bytes;
  entries_.erase(found->second);
  by_id_.erase(found);
  return true;
}

namespace {

// A call of an earlier turn joins the message that it goes with.
void AddCall(JsonFields& item, json::array& messages) {
  item.Ignore({"id", "status"});
  ToolCall call{.id = item.RequiredText("call_id"), .name = item.RequiredText("name")};
  call.arguments = item.RequiredText("arguments");
  AssistantTurn(messages)["tool_calls"].as_array().push_back(PastCall(call));
}

void AddCallOutput(JsonFields& item, json::array& messages) {
  item.Ignore({"id", "status"});
  const std::string id = item.RequiredText("call_id");
  if (item.Value("output") == nullptr) item.Fail("output", "is required");
  messages.push_back(ResultMessage(id, ReadContent(item, "output")));
}

void AddItem(JsonFields& item, json::array& messages) {
  const std::string type = item.Text("type").value_or("message");
  if (type == "function_call") return AddCall(item, messages);
  if (type == "function_call_output") return AddCallOutput(item, messages);
  if (type != "message") {
    return item.Fail("type", "must be message, function_call or function_call_output");
  }
  item.Ignore({"id", "status", "phase"});
  messages.push_back(ReadMessage(item));
}

// `input`: a text, or items; output items of earlier responses are read as such.
json::array ReadInput(JsonFields& fields) {
  json::array messages;
  const json::value* const input = fields.Value("input");
  if (input != nullptr && input->is_string()) {
    messages.push_back(json::object{{"role", "user"}, {"content", *input}});
    return messages;
  }
  const json::array* const items = input == nullptr ? nullptr : input->if_array();
  if (items == nullptr || items->empty() || items->size() > kMaxMessages) {
    fields.Fail("input",
                fmt::format("is required: a string, or an array of 1 to {} items", kMaxMessages));
    return messages;
  }
  for (std::size_t i = 0; i < items->size() && !fields.failed(); ++i) {
    const std::string path = fmt::format("input[{}]", i);
    const json::object* const item = (*items)[i].if_object();
    if (item == nullptr) {
      fields.Fail(path, "must be an object");
      return messages;
    }
    JsonFields of_item(*item, path);
    AddItem(of_item, messages);
    fields.TakeErrorOf(of_item);
  }
  return messages;
}

// What is asked for beyond a text: nothing of it is done in silence.
void ReadResponseLimits(JsonFields& fields, OutputRules& rules) {
  if (const json::object* const text = fields.Object("text")) {
    JsonFields of_text(*text, "text");
    if (const json::object* const format = of_text.Object("format")) {
      JsonFields of_format(*format, "text.format");
      ReadFlatFormat(of_format, rules);
      of_text.TakeErrorOf(of_format);
    }
    of_text.OnlyDefault("verbosity", {"medium"}, "is not supported");
    fields.TakeErrorOf(of_text);
  }
  ReadTools(fields, /*nested=*/false, rules);
  fields.OnlyDefault("background", {false}, "is not supported");
  fields.OnlyDefault("conversation", {}, "is not supported: use previous_response_id");
  fields.OnlyDefault("prompt", {}, "is not supported: there are no stored prompts");
  fields.OnlyDefault("truncation", {"disabled"},
                     "is not supported: nothing is left out of a prompt");
  fields.OnlyDefault("include", {json::array()}, "is not supported");
  fields.OnlyDefault("reasoning", {json::object()}, "is not supported");
  fields.OnlyDefault("max_tool_calls", {}, "is not supported");
  fields.OnlyDefault("top_logprobs", {0}, "is not supported");
  fields.Ignore(
      {"model", "user", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"});
}

json::object EchoOf(const json::object& body, const std::string& model,
                    const GenerationRequest& request) {
  const auto given = [&](std::string_view name, const json::value& otherwise = {}) {
    const json::value* const value = body.if_contains(name);
    return value == nullptr || value->is_null() ? otherwise : *value;
  };
  json::object metadata;
  if (const json::value* const sent = body.if_contains("metadata"); sent && sent->is_object()) {
    metadata = sent->get_object();
  }
  json::value text = given("text", json::object{{"format", json::object{{"type", "text"}}}});
  return {{"model", model},
          {"instructions", given("instructions")},
          {"max_output_tokens", given("max_output_tokens")},
          {"metadata", std::move(metadata)},
          {"parallel_tool_calls", given("parallel_tool_calls", true)},
          {"previous_response_id", given("previous_response_id")},
          {"reasoning", json::object{{"effort", nullptr}, {"summary", nullptr}}},
          {"temperature", request.sampling.temperature},
          {"text", std::move(text)},
          {"tool_choice", given("tool_choice", "auto")},
          {"tools", given("tools", json::array())},
          {"top_p", request.sampling.top_p},
          {"truncation", "disabled"}};
}

}  // namespace

ApiResult<ParsedGeneration> ParseResponse(const json::object& body, const std::string& model,
                                          const Engine& engine, ResponseMemory& memory,
                                          const std::string& owner) {
  JsonFields fields(body);
  ParsedGeneration parsed;
  json::array input = ReadInput(fields);
  ReadSampling(fields, engine.model().config().vocab_size, parsed.fields);
  ReadDelivery(fields, parsed.fields);
  if (parsed.fields.choices != 1) fields.Fail("n", "must be 1");
  GenerationRequest& request = parsed.fields.request;
  request.max_tokens = static_cast<int>(
      fields.Whole("max_output_tokens", 1, 10'000'000).value_or(engine.context_tokens()));
  const std::string instructions = fields.Text("instructions").value_or("");
  const bool stores = fields.Flag("store").value_or(true);
  (void)fields.Object("metadata");
  ReadResponseLimits(fields, parsed.fields.rules);
  json::array history;
  if (const auto previous = fields.Text("previous_response_id")) {
    auto remembered = memory.Recall(*previous, owner);
    if (!remembered) {
      ApiError error =
          ApiError::OfField({"previous_response_id", "is of no response that is remembered"});
      error.code = "previous_response_not_found";
      return std::unexpected(std::move(error));
    }
    history = std::move(remembered->messages);
  }
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  for (json::value& message : input) history.push_back(std::move(message));
  // Instructions are of one response; they are not carried on to the next.
  json::array messages;
  if (!instructions.empty()) {
    messages.push_back(json::object{{"role", "system"}, {"content", instructions}});
  }
  for (const json::value& message : history) messages.push_back(message);
  TRY(PlanAnswer(engine, std::move(messages), {}, parsed));
  parsed.format = MakeResponseFormat({.echoed = EchoOf(body, model, request),
                                      .messages = std::move(history),
                                      .stores = stores,
                                      .owner = owner},
                                     memory);
  return parsed;
}

}  // namespace kinglet
