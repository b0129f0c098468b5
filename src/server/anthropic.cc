// SPDX-License-Identifier: Apache-2.0
// One message of content blocks: a thought, where there is one, and a text.
#include "server/anthropic.h"

#include <utility>

#include "base/clock.h"
#include "server/chat_messages.h"

namespace kinglet {
namespace {

const char* StopReason(const GenerationResult& result) {
  if (result.finish_reason == FinishReason::kLength) return "max_tokens";
  return result.stop.empty() ? "end_turn" : "stop_sequence";
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
    return events;
  }

  std::string ChoiceEnd(int, const ReplyChoice& ended, const ReplyTotals* totals) override {
    std::string events = open_.empty() ? Block("text") : std::string();
    events += CloseBlock();
    json::object delta = {{"stop_reason", StopReason(ended.result)},
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
    content.push_back(json::object{{"type", "text"}, {"text", choice.text}});
    json::object message =
        Message(std::move(content), StopReason(choice.result), StopSequence(choice.result));
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
    std::string events = CloseBlock();
    open_ = kind;
    json::object block = {{"type", kind}, {kind, ""}};
    if (kind == "thinking") block["signature"] = "";
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
  for (json::value& message : ReadMessages(fields)) messages.push_back(std::move(message));
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
  fields.OnlyDefault("tools", {json::array()}, "is not supported by this version");
  fields.OnlyDefault("tool_choice", {}, "is not supported by this version");
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  TRY(PlanAnswer(engine, std::move(messages), chat, parsed));
  parsed.format = std::make_unique<MessageFormat>(model, static_cast<int>(request.prompt.size()));
  return parsed;
}

}  // namespace kinglet
