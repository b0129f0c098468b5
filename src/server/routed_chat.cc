// SPDX-License-Identifier: Apache-2.0
// One JSON object becomes another, so that what an intent asks for is checked as if a client had.
#include "server/routed_chat.h"

#include <utility>

#include "server/chat_messages.h"

namespace kinglet {
namespace {

void AddUnlessThere(json::object& object, std::string_view key, json::value value) {
  const json::value* const there = object.if_contains(key);
  if (there == nullptr || there->is_null()) object[key] = std::move(value);
}

template <typename T>
void AddUnlessThere(json::object& object, std::string_view key, const std::optional<T>& value) {
  if (value) AddUnlessThere(object, key, json::value(*value));
}

}  // namespace

bool AsksForRoute(const json::object& body) {
  const json::value* const model = body.if_contains("model");
  return model != nullptr && model->is_string() && model->get_string() == kAutoModel;
}

ApiResult<std::string> TextToRoute(const json::object& body) {
  const json::value* const messages = body.if_contains("messages");
  if (messages != nullptr && messages->is_array() && !messages->get_array().empty()) {
    const json::value& last = messages->get_array().back();
    const json::value* const role = Find(last, "role");
    const json::value* const content = Find(last, "content");
    if (role != nullptr && content != nullptr && *role == "user") {
      std::string text = TextOfContent(*content).substr(0, kMaxRoutedBytes);
      if (!text.empty()) return text;
    }
  }
  return std::unexpected(
      ApiError::OfField({"messages", "must end with a text of the user for the model \"auto\""}));
}

json::object ApplyIntent(json::object body, const Intent& intent, const json::value& schema) {
  body.erase("model");
  if (!intent.model.empty()) body["model"] = intent.model;
  const IntentSampling& sampling = intent.sampling;
  AddUnlessThere(body, "temperature", sampling.temperature);
  AddUnlessThere(body, "top_p", sampling.top_p);
  AddUnlessThere(body, "min_p", sampling.min_p);
  AddUnlessThere(body, "top_k", sampling.top_k);
  AddUnlessThere(body, "seed", sampling.seed);
  if (const json::value* const most = body.if_contains("max_tokens");
      most == nullptr || most->is_null()) {
    AddUnlessThere(body, "max_completion_tokens", sampling.max_tokens);
  }
  json::object own;
  if (const json::value* const given = body.if_contains("kinglet");
      given != nullptr && given->is_object()) {
    own = given->get_object();
  }
  AddUnlessThere(own, "first_byte_budget_ms", intent.first_byte_budget_ms);
  const bool from_library = intent.mode == IntentMode::kQuote || intent.mode == IntentMode::kCite ||
                            (intent.mode == IntentMode::kChat && !intent.library.empty());
  if (from_library) {
    AddUnlessThere(own, "library", json::value(intent.library));
    AddUnlessThere(own, "risk", intent.risk);
    AddUnlessThere(own, "accept", intent.accept);
  }
  if (!intent.then.empty()) AddUnlessThere(own, "then", json::value(intent.then));
  if (!own.empty()) body["kinglet"] = std::move(own);
  if (intent.mode == IntentMode::kExtract) {
    const json::object format = {{"name", "intent"}, {"schema", schema}, {"strict", true}};
    AddUnlessThere(body, "response_format",
                   json::object{{"type", "json_schema"}, {"json_schema", format}});
  }
  if (intent.mode == IntentMode::kTool) {
    AddUnlessThere(body, "tool_choice",
                   json::object{{"type", "function"}, {"function", {{"name", intent.tool}}}});
  }
  return body;
}

}  // namespace kinglet
