// SPDX-License-Identifier: Apache-2.0
// One message of content blocks: a thought, where there is one, a text, and uses of tools.
#include "server/anthropic.h"

#include <utility>

#include "base/clock.h"
#include "server/chat_messages.h"

namespace kinglet {
namespace {

const char* StopReason(const ReplyChoice& choice) {
  if (choice.result.finish_reason == FinishReason::kLength) return "max_tokens";
  if (!choice.calls.empty()) return "tool_use";
  return choice.result.stop.empty() ? "end_turn" : "stop_sequence";
}

json::object ToolUse(const ToolCall& call) {
  // Of what was cut short there may be no whole object.
  Result<json::value> input = ParseJson(call.arguments);
  return {{"type", "tool_use"},
          {"id", "toolu_" + call.id.substr(call.id.find('_') + 1)},
          {"name", call.name},
          {"input", input && input->is_object() ? *std::move(input) : json::object()}};
}

json::object Usage(const ReplyTotals& totals) {
  return {{"input_tokens", totals.prompt_tokens - totals.cached_tokens},
          {"cache_read_input_tokens", totals.cached_tokens},
          {"cache_creation_input_tokens", 0},
          {"output_tokens", totals.completion_tokens}};
}

json::value StopSequence(const GenerationResult& result) {
  return result.stop.empty() ? json::value() : json::value(result.stop);
}

class MessageFormat : public ReplyFormat {
 public:
  MessageFormat(std::string model, int prompt_tokens)
      : id_(MakeId("msg_")), model_(std::move(model)), prompt_tokens_(prompt_tokens) {}

  Dialect dialect() const override { return Dialect::kAnthropic; }

  std::string Begin() override {
    json::object message = Message(json::array(), nullptr, nullptr);
    message["usage"] = json::object{{"input_tokens", prompt_tokens_}, {"output_tokens", 0}};
    return Event({{"type", "message_start"}, {"message", std::move(message)}}, "message_start");
  }

  std::string Delta(int, const ReplyDelta& delta) override {
    std::string events;
    if (!delta.reasoning.empty()) {
      events += Block("thinking");
      events += Piece({{"type", "thinking_delta"}, {"thinking", delta.reasoning}});
    }
    if (!delta.text.empty()) {
      events += Block("text");
      events += Piece({{"type", "text_delta"}, {"text", delta.text}});
    }
    for (const CallDelta& call : delta.calls) {
      if (!call.name.empty()) {
        events += OpenBlock("tool_use", ToolUse({.id = call.id, .name = call.name}));
      }
      if (call.arguments.empty()) continue;
      events += Piece({{"type", "input_json_delta"}, {"partial_json", call.arguments}});
    }
    return events;
  }

  std::string ChoiceEnd(int, const ReplyChoice& ended, const ReplyTotals* totals) override {
    std::string events = open_.empty() ? Block("text") : std::string();
    events += CloseBlock();
    json::object delta = {{"stop_reason", StopReason(ended)},
                          {"stop_sequence", StopSequence(ended.result)}};
    json::object event = {{"type", "message_delta"}, {"delta", std::move(delta)}};
    if (totals != nullptr) {
      event["usage"] = Usage(*totals);
      event["kinglet"] = totals->ledger;
    }
    return events + Event(event, "message_delta");
  }

  std::string End(std::span<const ReplyChoice>, const ReplyTotals&) override {
    return Event({{"type", "message_stop"}}, "message_stop");
  }

  json::object Whole(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    const ReplyChoice& choice = choices[0];
    json::array content;
    if (!choice.reasoning.empty()) {
      content.push_back(
          json::object{{"type", "thinking"}, {"thinking", choice.reasoning}, {"signature", ""}});
    }
    if (!choice.text.empty() || choice.calls.empty()) {
      content.push_back(json::object{{"type", "text"}, {"text", choice.text}});
    }
    for (const ToolCall& call : choice.calls) content.push_back(ToolUse(call));
    json::object message =
        Message(std::move(content), StopReason(choice), StopSequence(choice.result));
    message["usage"] = Usage(totals);
    message["kinglet"] = totals.ledger;
    return message;
  }

 private:
  json::object Message(json::array content, json::value stop_reason, json::value sequence) const {
    return {{"id", id_},
            {"type", "message"},
            {"role", "assistant"},
            {"model", model_},
            {"content", std::move(content)},
            {"stop_reason", std::move(stop_reason)},
            {"stop_sequence", std::move(sequence)}};
  }

  // Opens a block of this kind unless it is open.
  std::string Block(std::string_view kind) {
    if (open_ == kind) return {};
    json::object block = {{"type", kind}, {kind, ""}};
    if (kind == "thinking") block["signature"] = "";
    return OpenBlock(kind, std::move(block));
  }

  std::string OpenBlock(std::string_view kind, json::object block) {
    std::string events = CloseBlock();
    open_ = kind;
    return events + Event({{"type", "content_block_start"},
                           {"index", index_},
                           {"content_block", std::move(block)}},
                          "content_block_start");
  }

  std::string CloseBlock() {
    if (open_.empty()) return {};
    open_.clear();
    return Event({{"type", "content_block_stop"}, {"index", index_++}}, "content_block_stop");
  }

  std::string Piece(json::object delta) const {
    return Event({{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(delta)}},
                 "content_block_delta");
  }

  std::string id_;
  std::string model_;
  int prompt_tokens_;
  int index_ = 0;
  std::string open_;
};

// What a turn of the conversation is made of.
struct Turn {
  std::string text;
  std::vector<ToolCall> calls;
  json::array results;  // messages
};

void ReadToolUse(JsonFields& block, Turn& turn) {
  block.Ignore({"type", "cache_control", "caller"});
  ToolCall call{.id = block.RequiredText("id"), .name = block.RequiredText("name")};
  const json::object* const input = block.Object("input");
  if (input == nullptr) return block.Fail("input", "is required");
  call.arguments = ToJson(*input);
  turn.calls.push_back(std::move(call));
}

void ReadToolResult(JsonFields& block, Turn& turn) {
  block.Ignore({"type", "cache_control"});
  const std::string id = block.RequiredText("tool_use_id");
  std::string content = ReadContent(block, "content");
  // Templates have no other place for it.
  if (block.Flag("is_error").value_or(false)) content = "Error: " + content;
  turn.results.push_back(ResultMessage(id, content));
}

// An answer uses tools, and the question after it has the results.
void ReadBlock(JsonFields& message, const std::string& name, const json::value& block,
               std::string_view role, Turn& turn) {
  const json::value* const type = Find(block, "type");
  const bool is_use = type != nullptr && *type == "tool_use" && role == "assistant";
  const bool is_result = type != nullptr && *type == "tool_result" && role == "user";
  if (is_use || is_result) {
    JsonFields inner(block.get_object(), message.PathOf(name));
    if (is_use) ReadToolUse(inner, turn);
    if (is_result) ReadToolResult(inner, turn);
    return message.TakeErrorOf(inner);
  }
  const auto text = ReadPart(block);
  if (!text) {
    return message.Fail(name,
                        "is not supported here: this server reads text, tool_use of an "
                        "assistant and tool_result of a user");
  }
  if (!turn.text.empty() && !text->empty()) turn.text += '\n';
  turn.text += *text;
}

void ReadTurn(JsonFields& message, json::array& messages) {
  const auto role = message.Word("role", {"system", "user", "assistant"});
  if (!role) return message.Fail("role", "is required: user or assistant");
  const json::value* const content = message.Value("content");
  if (content == nullptr) return message.Fail("content", "is required");
  Turn turn;
  if (const json::array* const blocks = content->if_array()) {
    if (blocks->size() > kMaxParts) {
      return message.Fail("content", fmt::format("has over {} blocks", kMaxParts));
    }
    for (std::size_t i = 0; i < blocks->size(); ++i) {
      ReadBlock(message, fmt::format("content[{}]", i), (*blocks)[i], *role, turn);
    }
  } else {
    turn.text = ReadContent(message, "content");
  }
  const bool is_results_alone = !turn.results.empty() && turn.text.empty();
  for (json::value& result : turn.results) messages.push_back(std::move(result));
  if (is_results_alone) return;
  messages.push_back(json::object{{"role", *role}, {"content", turn.text}});
  if (turn.calls.empty()) return;
  json::array& calls = AssistantTurn(messages)["tool_calls"].as_array();
  for (const ToolCall& call : turn.calls) calls.push_back(PastCall(call));
}

void ReadTurns(JsonFields& fields, json::array& messages) {
  const json::array* const given = fields.Array("messages");
  if (given == nullptr || given->empty() || given->size() > kMaxMessages) {
    return fields.Fail("messages", fmt::format("is required: 1 to {} messages", kMaxMessages));
  }
  for (std::size_t i = 0; i < given->size() && !fields.failed(); ++i) {
    const std::string path = fmt::format("messages[{}]", i);
    const json::object* const message = (*given)[i].if_object();
    if (message == nullptr) return fields.Fail(path, "must be an object");
    JsonFields inner(*message, path);
    ReadTurn(inner, messages);
    fields.TakeErrorOf(inner);
  }
}

}  // namespace

ApiResult<ParsedGeneration> ParseAnthropicMessages(const json::object& body,
                                                   const std::string& model, const Engine& engine) {
  JsonFields fields(body);
  // What was computed is kept without being asked to.
  fields.Ignore({"model", "metadata", "cache_control"});
  ParsedGeneration parsed;
  json::array messages;
  if (const std::string system = ReadContent(fields, "system"); !system.empty()) {
    messages.push_back(json::object{{"role", "system"}, {"content", system}});
  }
  ReadTurns(fields, messages);
  ReadSampling(fields, engine.model().config().vocab_size, parsed.fields);
  GenerationRequest& request = parsed.fields.request;
  const auto max_tokens = fields.Whole("max_tokens", 1, 10'000'000);
  if (!max_tokens) fields.Fail("max_tokens", "is required");
  request.max_tokens = static_cast<int>(max_tokens.value_or(1));
  for (std::string& stop : fields.Texts("stop_sequences", 16))
    request.stop.push_back(std::move(stop));
  parsed.fields.stream = fields.Flag("stream").value_or(false);
  ReadOwnFields(fields, parsed.fields);
  ChatOptions chat;
  if (const json::object* const thinking = fields.Object("thinking")) {
    JsonFields of_thinking(*thinking, "thinking");
    const auto type = of_thinking.Word("type", {"enabled", "disabled"});
    const auto budget = of_thinking.Whole("budget_tokens", 0, 10'000'000);
    if (const auto error = of_thinking.Finish()) fields.Fail(error->field, error->message);
    if (budget) parsed.fields.reasoning_budget = static_cast<int>(*budget);
    if (type && engine.prompts().TemplateReads("enable_thinking")) {
      chat.template_fields["enable_thinking"] = *type == "enabled";
    }
  }
  (void)fields.Word("service_tier", {"auto", "standard_only"});
  ReadAnthropicTools(fields, parsed.fields.rules);
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  TRY(PlanAnswer(engine, std::move(messages), chat, parsed));
  parsed.format = std::make_unique<MessageFormat>(model, static_cast<int>(request.prompt.size()));
  return parsed;
}

}  // namespace kinglet
