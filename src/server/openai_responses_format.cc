// SPDX-License-Identifier: Apache-2.0
// Items in the order in which they are written; every event of a stream carries its number.
#include "server/openai_responses_format.h"

#include <utility>

#include "base/clock.h"
#include "server/chat_messages.h"

namespace kinglet {
namespace {

const char* StatusWord(bool whole) { return whole ? "completed" : "incomplete"; }

bool IsWhole(const ReplyChoice& choice) {
  return choice.result.finish_reason != FinishReason::kLength;
}

// A call is an item, which has an id of its own.
std::string ItemId(const ToolCall& call) { return "fc_" + call.id.substr(call.id.find('_') + 1); }

json::object CallItem(const ToolCall& call, std::string_view status) {
  return {{"type", "function_call"}, {"id", ItemId(call)},          {"call_id", call.id},
          {"name", call.name},       {"arguments", call.arguments}, {"status", status}};
}

json::object TextPart(std::string_view text) {
  return {{"type", "output_text"},
          {"text", text},
          {"annotations", json::array()},
          {"logprobs", json::array()}};
}

class ResponseFormat final : public ReplyFormat {
 public:
  ResponseFormat(ResponsePlan plan, ResponseMemory& memory)
      : id_(MakeId("resp_")),
        message_id_(MakeId("msg_")),
        plan_(std::move(plan)),
        memory_(memory) {}

  std::string Begin() override {
    const json::object response = Response("in_progress", json::array(), nullptr, nullptr);
    std::string events = Numbered("response.created", {{"response", response}});
    events += Numbered("response.in_progress", {{"response", response}});
    return events;
  }

  std::string Delta(int, const ReplyDelta& delta) override {
    std::string events;
    if (!delta.text.empty()) {
      if (open_ != Open::kMessage) events += OpenMessage();
      text_ += delta.text;
      events += Numbered("response.output_text.delta", {{"item_id", message_id_},
                                                        {"output_index", output_index_},
                                                        {"content_index", 0},
                                                        {"delta", delta.text},
                                                        {"logprobs", json::array()}});
    }
    for (const CallDelta& call : delta.calls) events += CallPiece(call);
    return events;
  }

  std::string ChoiceEnd(int, const ReplyChoice& ended, const ReplyTotals*) override {
    std::string events;
    if (open_ == Open::kNothing) events += OpenMessage();
    return events + CloseItem(StatusWord(IsWhole(ended)));
  }

  std::string End(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    const char* const type = IsWhole(choices[0]) ? "response.completed" : "response.incomplete";
    return Numbered(type, {{"response", Whole(choices, totals)}});
  }

  json::object Whole(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    const ReplyChoice& choice = choices[0];
    const bool whole = IsWhole(choice);
    json::object usage = {
        {"input_tokens", totals.prompt_tokens},
        {"input_tokens_details", json::object{{"cached_tokens", totals.cached_tokens}}},
        {"output_tokens", totals.completion_tokens},
        {"output_tokens_details", json::object{{"reasoning_tokens", totals.reasoning_tokens}}},
        {"total_tokens", totals.prompt_tokens + totals.completion_tokens}};
    json::object response = Response(
        StatusWord(whole), Output(choice), std::move(usage),
        whole ? json::value() : json::value(json::object{{"reason", "max_output_tokens"}}));
    response["kinglet"] = totals.ledger;
    if (plan_.stores) Remember(choice, response);
    return response;
  }

 private:
  enum class Open : std::uint8_t { kNothing, kMessage, kCall };

  std::string Numbered(std::string_view type, json::object event) {
    event["type"] = type;
    event["sequence_number"] = number_++;
    return Event(event, type);
  }

  // Text comes before calls. Of what was cut short, only the last item is not whole.
  json::array Output(const ReplyChoice& choice) const {
    const char* const last = StatusWord(IsWhole(choice));
    json::array output;
    if (!choice.text.empty() || choice.calls.empty()) {
      output.push_back(MessageItem(choice.text, choice.calls.empty() ? last : "completed"));
    }
    for (const ToolCall& call : choice.calls) {
      output.push_back(CallItem(call, &call == &choice.calls.back() ? last : "completed"));
    }
    return output;
  }

  json::object MessageItem(std::string_view text, std::string_view status) const {
    json::array content;
    if (status != "in_progress") content.push_back(TextPart(text));
    return {{"type", "message"},
            {"id", message_id_},
            {"status", status},
            {"role", "assistant"},
            {"content", std::move(content)}};
  }

  std::string OpenItem(Open kind, json::object item) {
    std::string events = CloseItem("completed");
    open_ = kind;
    ++output_index_;
    return events + Numbered("response.output_item.added",
                             {{"output_index", output_index_}, {"item", std::move(item)}});
  }

  std::string OpenMessage() {
    std::string events = OpenItem(Open::kMessage, MessageItem("", "in_progress"));
    return events + Numbered("response.content_part.added", {{"item_id", message_id_},
                                                             {"output_index", output_index_},
                                                             {"content_index", 0},
                                                             {"part", TextPart("")}});
  }

  std::string CallPiece(const CallDelta& delta) {
    std::string events;
    if (!delta.name.empty()) {
      const ToolCall begun{.id = delta.id, .name = delta.name};
      events += OpenItem(Open::kCall, CallItem(begun, "in_progress"));
      call_ = begun;
    }
    if (delta.arguments.empty()) return events;
    call_.arguments += delta.arguments;
    return events +
           Numbered("response.function_call_arguments.delta", {{"item_id", ItemId(call_)},
                                                               {"output_index", output_index_},
                                                               {"delta", delta.arguments}});
  }

  // With all that it has, in the order of OpenAI's events.
  std::string CloseItem(std::string_view status) {
    std::string events;
    json::object item;
    if (open_ == Open::kNothing) return events;
    if (open_ == Open::kMessage) {
      json::object at = {
          {"item_id", message_id_}, {"output_index", output_index_}, {"content_index", 0}};
      json::object text = at;
      text["text"] = text_;
      text["logprobs"] = json::array();
      events += Numbered("response.output_text.done", std::move(text));
      at["part"] = TextPart(text_);
      events += Numbered("response.content_part.done", std::move(at));
      item = MessageItem(text_, status);
    } else {
      events += Numbered("response.function_call_arguments.done", {{"item_id", ItemId(call_)},
                                                                   {"output_index", output_index_},
                                                                   {"name", call_.name},
                                                                   {"arguments", call_.arguments}});
      item = CallItem(call_, status);
    }
    open_ = Open::kNothing;
    return events + Numbered("response.output_item.done",
                             {{"output_index", output_index_}, {"item", std::move(item)}});
  }

  json::object Response(std::string_view status, json::array output, json::value usage,
                        json::value incomplete) const {
    json::object response = plan_.echoed;
    response["id"] = id_;
    response["object"] = "response";
    response["created_at"] = created_;
    response["status"] = status;
    response["error"] = nullptr;
    response["incomplete_details"] = std::move(incomplete);
    response["output"] = std::move(output);
    response["usage"] = std::move(usage);
    response["store"] = plan_.stores;
    return response;
  }

  void Remember(const ReplyChoice& choice, const json::object& response) {
    json::object message = {{"role", "assistant"}, {"content", choice.text}};
    if (!choice.calls.empty()) {
      json::array& calls = message["tool_calls"].emplace_array();
      for (const ToolCall& call : choice.calls) calls.push_back(PastCall(call));
    }
    plan_.messages.push_back(std::move(message));
    memory_.Remember(id_, plan_.owner, std::move(plan_.messages), response);
  }

  std::string id_, message_id_;
  std::int64_t created_ = UnixSeconds();
  ResponsePlan plan_;
  ResponseMemory& memory_;
  int number_ = 0;
  // Of a stream: the item that is being written.
  Open open_ = Open::kNothing;
  int output_index_ = -1;
  std::string text_;
  ToolCall call_;
};

}  // namespace

std::unique_ptr<ReplyFormat> MakeResponseFormat(ResponsePlan plan, ResponseMemory& memory) {
  return std::make_unique<ResponseFormat>(std::move(plan), memory);
}

}  // namespace kinglet
