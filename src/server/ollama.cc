// SPDX-License-Identifier: Apache-2.0
// Streams unless told otherwise; durations are in nanoseconds.
#include "server/ollama.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "server/chat_messages.h"

namespace kinglet {
namespace {

std::int64_t Nanoseconds(double ms) { return static_cast<std::int64_t>(ms * 1e6); }

class OllamaFormat : public ReplyFormat {
 public:
  OllamaFormat(std::string model, bool is_chat) : model_(std::move(model)), is_chat_(is_chat) {}

  Dialect dialect() const override { return Dialect::kOllama; }
  std::string_view stream_type() const override { return "application/x-ndjson"; }

  std::string Delta(int, const ReplyDelta& delta) override {
    if (delta.text.empty() && delta.reasoning.empty()) return {};
    return ToJson(json::value(Line(delta.text, delta.reasoning, false))) + "\n";
  }
  // Its clients read a call whole.
  std::string ChoiceEnd(int, const ReplyChoice& ended, const ReplyTotals*) override {
    if (ended.calls.empty()) return {};
    json::object line = Line("", "", false);
    line["message"].get_object()["tool_calls"] = Calls(ended.calls);
    return ToJson(json::value(line)) + "\n";
  }
  std::string End(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    return ToJson(json::value(Last("", "", choices[0], totals))) + "\n";
  }
  json::object Whole(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    json::object whole = Last(choices[0].text, choices[0].reasoning, choices[0], totals);
    if (!choices[0].calls.empty()) {
      whole["message"].get_object()["tool_calls"] = Calls(choices[0].calls);
    }
    return whole;
  }

 private:
  static json::array Calls(const std::vector<ToolCall>& calls) {
    json::array list;
    for (const ToolCall& call : calls) {
      Result<json::value> arguments = ParseJson(call.arguments);
      if (!arguments) continue;  // cut short
      list.push_back(json::object{
          {"function", json::object{{"name", call.name}, {"arguments", *std::move(arguments)}}}});
    }
    return list;
  }

  json::object Line(const std::string& text, const std::string& reasoning, bool done) const {
    json::object line = {{"model", model_}, {"created_at", Iso8601(UnixSeconds())}};
    if (is_chat_) {
      json::object message = {{"role", "assistant"}, {"content", text}};
      if (!reasoning.empty()) message["thinking"] = reasoning;
      line["message"] = std::move(message);
    } else {
      line["response"] = text;
      if (!reasoning.empty()) line["thinking"] = reasoning;
    }
    line["done"] = done;
    return line;
  }

  json::object Last(const std::string& text, const std::string& reasoning,
                    const ReplyChoice& choice, const ReplyTotals& totals) const {
    json::object line = Line(text, reasoning, true);
    const GenerationResult& result = choice.result;
    line["done_reason"] = result.finish_reason == FinishReason::kLength ? "length" : "stop";
    line["total_duration"] = Nanoseconds(result.queue_ms + result.prefill_ms + result.decode_ms);
    line["load_duration"] = 0;
    line["prompt_eval_count"] = totals.prompt_tokens;
    line["prompt_eval_duration"] = Nanoseconds(result.prefill_ms);
    line["eval_count"] = totals.completion_tokens;
    line["eval_duration"] = Nanoseconds(result.decode_ms);
    line["kinglet"] = totals.ledger;
    return line;
  }

  std::string model_;
  bool is_chat_;
};

// Ollama's own defaults for what a request does not say.
void ReadOptions(JsonFields& fields, const Engine& engine, GenerationFields& out) {
  SamplingOptions& sampling = out.request.sampling;
  const json::object none;
  const json::object* const given = fields.Object("options");
  JsonFields options(given == nullptr ? none : *given, "options");
  ReadSampling(options, engine.model().config().vocab_size, out);
  if (given == nullptr || !given->contains("temperature")) sampling.temperature = 0.8F;
  if (given == nullptr || !given->contains("top_p")) sampling.top_p = 0.9F;
  if (given == nullptr || !given->contains("min_p")) sampling.min_p = 0;
  const auto length = options.Whole("num_predict", -2, 10'000'000).value_or(-1);
  out.request.max_tokens = length < 0 ? engine.context_tokens() : static_cast<int>(length);
  // The context and the machine are the server's business.
  options.Ignore({"num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", "numa",
                  "use_mmap", "use_mlock", "low_vram", "f16_kv", "logits_all", "vocab_only",
                  "embedding_only", "repeat_last_n"});
  options.OnlyDefault("mirostat", {0}, "is not supported");
  options.Ignore({"mirostat_tau", "mirostat_eta"});  // without mirostat they mean nothing
  options.OnlyDefault("penalize_newline", {true},
                      "is not supported: a newline is a token as others");
  options.OnlyDefault("tfs_z", {1, 1.0}, "is not supported");
  options.OnlyDefault("typical_p", {1, 1.0}, "is not supported");
  if (const auto error = options.Finish()) fields.Fail(error->field, error->message);
  out.stream = fields.Flag("stream").value_or(true);
  ReadOwnFields(fields, out);
  fields.Ignore({"model", "keep_alive"});
  ReadOllamaFormat(fields, out.rules);
  fields.OnlyDefault("images", {json::array()}, "is not supported: this server reads text alone");
}

ApiResult<ParsedGeneration> Encode(JsonFields& fields, ParsedGeneration parsed,
                                   json::array messages, const std::string& model,
                                   const Engine& engine, bool is_chat) {
  ChatOptions chat;
  if (const auto think = fields.Flag("think")) {
    if (engine.prompts().TemplateReads("enable_thinking")) {
      chat.template_fields["enable_thinking"] = *think;
    } else if (*think) {
      fields.Fail("think", "is nothing that this model does");
    }
  }
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  TRY(PlanAnswer(engine, std::move(messages), chat, parsed));
  parsed.format = std::make_unique<OllamaFormat>(model, is_chat);
  return parsed;
}

}  // namespace

ApiResult<ParsedGeneration> ParseOllamaChat(const json::object& body, const std::string& model,
                                            const Engine& engine) {
  JsonFields fields(body);
  ParsedGeneration parsed;
  json::array messages = ReadMessages(fields);
  ReadOptions(fields, engine, parsed.fields);
  ReadTools(fields, /*nested=*/true, parsed.fields.rules);
  return Encode(fields, std::move(parsed), std::move(messages), model, engine, true);
}

ApiResult<ParsedGeneration> ParseOllamaGenerate(const json::object& body, const std::string& model,
                                                const Engine& engine) {
  JsonFields fields(body);
  ParsedGeneration parsed;
  const std::string prompt = fields.RequiredText("prompt");
  json::array messages;
  if (const auto system = fields.Text("system")) {
    messages.push_back(json::object{{"role", "system"}, {"content", *system}});
  }
  messages.push_back(json::object{{"role", "user"}, {"content", prompt}});
  ReadOptions(fields, engine, parsed.fields);
  if (fields.Flag("raw").value_or(false)) {
    parsed.fields.request.prompt = engine.prompts().EncodePrompt(prompt);
  }
  fields.OnlyDefault("suffix", {""}, "is not supported");
  fields.OnlyDefault("template", {""}, "is not supported: the model's own is used");
  fields.OnlyDefault("context", {json::array()},
                     "is not supported: send the conversation to /api/chat");
  return Encode(fields, std::move(parsed), std::move(messages), model, engine, false);
}

}  // namespace kinglet
