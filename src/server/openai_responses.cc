// SPDX-License-Identifier: Apache-2.0
// Items in, items out; every event of a stream carries its number.
#include "server/openai_responses.h"

#include <utility>

#include "base/clock.h"
#include "server/chat_messages.h"

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

class ResponseFormat : public ReplyFormat {
 public:
  // echoed: the members of the response that repeat the request.
  ResponseFormat(json::object echoed, json::array messages, bool stores, ResponseMemory& memory,
                 std::string owner)
      : id_(MakeId("resp_")),
        message_id_(MakeId("msg_")),
        echoed_(std::move(echoed)),
        messages_(std::move(messages)),
        stores_(stores),
        memory_(memory),
        owner_(std::move(owner)) {}

  std::string Begin() override {
    const json::object response = Response("in_progress", json::array(), nullptr, nullptr);
    std::string events = Numbered("response.created", {{"response", response}});
    events += Numbered("response.in_progress", {{"response", response}});
    return events;
  }

  std::string Delta(int, const ReplyDelta& delta) override {
    if (delta.text.empty()) return {};
    std::string events = OpenItem();
    events += Numbered("response.output_text.delta", {{"item_id", message_id_},
                                                      {"output_index", 0},
                                                      {"content_index", 0},
                                                      {"delta", delta.text},
                                                      {"logprobs", json::array()}});
    return events;
  }

  std::string ChoiceEnd(int, const ReplyChoice& ended, const ReplyTotals*) override {
    std::string events = OpenItem();
    events += Numbered("response.output_text.done", {{"item_id", message_id_},
                                                     {"output_index", 0},
                                                     {"content_index", 0},
                                                     {"text", ended.text},
                                                     {"logprobs", json::array()}});
    events += Numbered("response.content_part.done", {{"item_id", message_id_},
                                                      {"output_index", 0},
                                                      {"content_index", 0},
                                                      {"part", Part(ended.text)}});
    events += Numbered("response.output_item.done", {{"output_index", 0}, {"item", Item(ended)}});
    return events;
  }

  std::string End(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    const json::object response = Whole(choices, totals);
    const bool whole = response.at("status") == "completed";
    return Numbered(whole ? "response.completed" : "response.incomplete", {{"response", response}});
  }

  json::object Whole(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    const ReplyChoice& choice = choices[0];
    const bool whole = choice.result.finish_reason != FinishReason::kLength;
    json::object usage = {
        {"input_tokens", totals.prompt_tokens},
        {"input_tokens_details", json::object{{"cached_tokens", totals.cached_tokens}}},
        {"output_tokens", totals.completion_tokens},
        {"output_tokens_details", json::object{{"reasoning_tokens", totals.reasoning_tokens}}},
        {"total_tokens", totals.prompt_tokens + totals.completion_tokens}};
    json::object response = Response(
        whole ? "completed" : "incomplete", json::array{Item(choice)}, std::move(usage),
        whole ? json::value() : json::value(json::object{{"reason", "max_output_tokens"}}));
    response["kinglet"] = totals.ledger;
    if (stores_) {
      messages_.push_back(json::object{{"role", "assistant"}, {"content", choice.text}});
      memory_.Remember(id_, owner_, std::move(messages_), response);
    }
    return response;
  }

 private:
  std::string Numbered(std::string_view type, json::object event) {
    event["type"] = type;
    event["sequence_number"] = number_++;
    return Event(event, type);
  }

  static json::object Part(std::string_view text) {
    return {{"type", "output_text"},
            {"text", text},
            {"annotations", json::array()},
            {"logprobs", json::array()}};
  }

  json::object Item(const ReplyChoice& choice) const {
    const bool whole = choice.result.finish_reason != FinishReason::kLength;
    return {{"type", "message"},
            {"id", message_id_},
            {"status", whole ? "completed" : "incomplete"},
            {"role", "assistant"},
            {"content", json::array{Part(choice.text)}}};
  }

  std::string OpenItem() {
    if (std::exchange(open_, true)) return {};
    json::object item = {{"type", "message"},
                         {"id", message_id_},
                         {"status", "in_progress"},
                         {"role", "assistant"},
                         {"content", json::array()}};
    std::string events =
        Numbered("response.output_item.added", {{"output_index", 0}, {"item", std::move(item)}});
    events += Numbered(
        "response.content_part.added",
        {{"item_id", message_id_}, {"output_index", 0}, {"content_index", 0}, {"part", Part("")}});
    return events;
  }

  json::object Response(std::string_view status, json::array output, json::value usage,
                        json::value incomplete) const {
    json::object response = echoed_;
    response["id"] = id_;
    response["object"] = "response";
    response["created_at"] = created_;
    response["status"] = status;
    response["error"] = nullptr;
    response["incomplete_details"] = std::move(incomplete);
    response["output"] = std::move(output);
    response["usage"] = std::move(usage);
    response["store"] = stores_;
    return response;
  }

  std::string id_, message_id_;
  std::int64_t created_ = UnixSeconds();
  json::object echoed_;
  json::array messages_;
  bool stores_;
  ResponseMemory& memory_;
  std::string owner_;
  int number_ = 0;
  bool open_ = false;
};

// `input`: a text, or messages; output messages of earlier responses are read as such.
json::array ReadInput(JsonFields& fields) {
  const json::value* const input = fields.Value("input");
  if (input == nullptr) {
    fields.Fail("input", "is required: a string, or an array of messages");
    return {};
  }
  json::object as_chat;
  if (input->is_string()) {
    as_chat["messages"] = json::array{json::object{{"role", "user"}, {"content", *input}}};
  } else if (input->is_array()) {
    json::array messages;
    for (const json::value& item : input->get_array()) {
      if (!item.is_object()) {
        fields.Fail("input", "must hold messages");
        return {};
      }
      json::object message = item.get_object();
      const json::value* const type = message.if_contains("type");
      if (type != nullptr && *type != "message") {
        fields.Fail("input",
                    fmt::format("holds an item of type {}, which is not supported", ToJson(*type)));
        return {};
      }
      for (const char* const member : {"type", "id", "status", "phase"}) message.erase(member);
      messages.push_back(std::move(message));
    }
    as_chat["messages"] = std::move(messages);
  } else {
    fields.Fail("input", "must be a string, or an array of messages");
    return {};
  }
  JsonFields of_chat(as_chat);
  json::array messages = ReadMessages(of_chat);
  if (const auto error = of_chat.Finish()) {
    std::string field = error->field;
    if (field.starts_with("messages")) field = "input" + field.substr(8);
    fields.Fail(field, error->message);
  }
  return messages;
}

// What is asked for beyond a text: nothing of it is done in silence.
void ReadResponseLimits(JsonFields& fields) {
  if (const json::object* const text = fields.Object("text")) {
    JsonFields of_text(*text, "text");
    of_text.OnlyDefault("format", {json::object{{"type", "text"}}},
                        "must be {\"type\": \"text\"}: schemas are not enforced by this version");
    of_text.OnlyDefault("verbosity", {"medium"}, "is not supported");
    if (const auto error = of_text.Finish()) fields.Fail(error->field, error->message);
  }
  fields.OnlyDefault("tools", {json::array()}, "is not supported by this version");
  fields.OnlyDefault("tool_choice", {"none", "auto"}, "is not supported by this version");
  fields.OnlyDefault("background", {false}, "is not supported");
  fields.OnlyDefault("conversation", {}, "is not supported: use previous_response_id");
  fields.OnlyDefault("prompt", {}, "is not supported: there are no stored prompts");
  fields.OnlyDefault("truncation", {"disabled"},
                     "is not supported: nothing is left out of a prompt");
  fields.OnlyDefault("include", {json::array()}, "is not supported");
  fields.OnlyDefault("reasoning", {json::object()}, "is not supported");
  fields.OnlyDefault("max_tool_calls", {}, "is not supported");
  fields.OnlyDefault("top_logprobs", {0}, "is not supported");
  fields.Ignore({"model", "user", "parallel_tool_calls", "prompt_cache_key",
                 "prompt_cache_retention", "safety_identifier"});
}

json::object EchoOf(const json::object& body, const std::string& model,
                    const GenerationRequest& request) {
  const auto given = [&](std::string_view name) {
    const json::value* const value = body.if_contains(name);
    return value == nullptr ? json::value() : *value;
  };
  json::object metadata;
  if (const json::value* const sent = body.if_contains("metadata"); sent && sent->is_object()) {
    metadata = sent->get_object();
  }
  return {{"model", model},
          {"instructions", given("instructions")},
          {"max_output_tokens", given("max_output_tokens")},
          {"metadata", std::move(metadata)},
          {"parallel_tool_calls", true},
          {"previous_response_id", given("previous_response_id")},
          {"reasoning", json::object{{"effort", nullptr}, {"summary", nullptr}}},
          {"temperature", request.sampling.temperature},
          {"text", json::object{{"format", json::object{{"type", "text"}}}}},
          {"tool_choice", "auto"},
          {"tools", json::array()},
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
  ReadResponseLimits(fields);
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
  parsed.format = std::make_unique<ResponseFormat>(EchoOf(body, model, request), std::move(history),
                                                   stores, memory, owner);
  return parsed;
}

}  // namespace kinglet
