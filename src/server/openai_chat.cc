// SPDX-License-Identifier: Apache-2.0
// Fields in the order of OpenAI's reference.
#include "server/openai_chat.h"

#include <algorithm>
#include <utility>

#include "server/chat_messages.h"
#include "server/openai_format.h"

namespace kinglet {
namespace {

class ChatFormat : public OpenAiFormat {
 public:
  ChatFormat(std::string model, const Tokenizer* of_odds, bool include_usage)
      : OpenAiFormat("chatcmpl-", "chat.completion", "chat.completion.chunk", std::move(model),
                     include_usage),
        of_odds_(of_odds) {}

  std::string Delta(int choice, const ReplyDelta& delta) override {
    json::object content;
    if (IsFirst(choice)) content["role"] = "assistant";
    if (!delta.reasoning.empty()) content["reasoning_content"] = delta.reasoning;
    if (!delta.calls.empty()) content["tool_calls"] = CallDeltas(delta.calls);
    if (!delta.text.empty() || content.empty()) content["content"] = delta.text;
    return Event(Chunk({Choice(choice, std::move(content), delta.odds, nullptr)}));
  }

  std::string ChoiceEnd(int choice, const ReplyChoice& ended, const ReplyTotals* totals) override {
    json::object content;
    if (IsFirst(choice)) content = {{"role", "assistant"}, {"content", ""}};
    return LastEvent(Choice(choice, std::move(content), {}, FinishWord(ended)), totals);
  }

  json::object Whole(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    json::array list;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const ReplyChoice& choice = choices[i];
      json::object message = {
          {"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}};
      if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
      if (!choice.calls.empty()) {
        if (choice.text.empty()) message["content"] = nullptr;
        json::array& calls = message["tool_calls"].emplace_array();
        for (const ToolCall& call : choice.calls) calls.push_back(CallToJson(call));
      }
      list.push_back(json::object{{"index", i},
                                  {"message", std::move(message)},
                                  {"logprobs", Logprobs(choice.odds)},
                                  {"finish_reason", FinishWord(choice)}});
    }
    return WholeOf(std::move(list), totals);
  }

 private:
  bool IsFirst(int choice) {
    const auto index = static_cast<std::size_t>(choice);
    if (begun_.size() <= index) begun_.resize(index + 1);
    return !std::exchange(begun_[index], 1);
  }

  static json::array CallDeltas(const std::vector<CallDelta>& deltas) {
    json::array list;
    for (const CallDelta& delta : deltas) {
      json::object call;
      if (!delta.name.empty()) {
        call = CallToJson({delta.id, delta.name, delta.arguments});
      } else {
        call["function"] = json::object{{"arguments", delta.arguments}};
      }
      call["index"] = delta.index;
      list.push_back(std::move(call));
    }
    return list;
  }

  json::value Logprobs(const std::vector<TokenOdds>& odds) const {
    if (of_odds_ == nullptr) return nullptr;
    json::array content;
    for (const TokenOdds& of_token : odds) content.push_back(OddsToJson(of_token, *of_odds_));
    return json::object{{"content", std::move(content)}, {"refusal", nullptr}};
  }

  json::object Choice(int index, json::object delta, const std::vector<TokenOdds>& odds,
                      json::value finish_reason) const {
    return {{"index", index},
            {"delta", std::move(delta)},
            {"logprobs", odds.empty() ? json::value() : Logprobs(odds)},
            {"finish_reason", std::move(finish_reason)}};
  }

  const Tokenizer* of_odds_;
  std::vector<char> begun_;  // choices whose first chunk is out
};

}  // namespace

std::unique_ptr<ReplyFormat> MakeChatFormat(std::string model, const Tokenizer* of_odds,
                                            bool include_usage) {
  return std::make_unique<ChatFormat>(std::move(model), of_odds, include_usage);
}

// What this server does not do, or not yet: an error, never silence.
void ReadLimits(JsonFields& fields) {
  fields.OnlyDefault("functions", {json::array()}, "is not supported: it is deprecated");
  fields.OnlyDefault("function_call", {"none"}, "is not supported: it is deprecated");
  fields.OnlyDefault("modalities", {json::array{"text"}}, "must be [\"text\"]");
  fields.OnlyDefault("audio", {}, "is not supported");
  fields.OnlyDefault("web_search_options", {}, "is not supported: this server asks nobody");
  fields.OnlyDefault("verbosity", {"medium"}, "is not supported");
  // They change nothing in an answer.
  fields.Ignore({"user", "store", "metadata", "prediction", "prompt_cache_key",
                 "prompt_cache_retention", "safety_identifier"});
}

std::vector<GenerationRequest> SpreadChoices(const GenerationRequest& request, int choices) {
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < choices; ++i) {
    requests.push_back(request);
    requests.back().sampling.seed += static_cast<std::uint64_t>(i);
  }
  return requests;
}

namespace {

// Whether the template has begun a thought already, and what ends one where its budget is used up.
void PrepareReasoning(const Engine& engine, ParsedGeneration& parsed) {
  const Tokenizer& tokenizer = engine.tokenizer();
  parsed.plan.separates_reasoning = true;
  std::string end;
  const std::vector<TokenId>& prompt = parsed.fields.request.prompt;
  const std::size_t seen = std::min<std::size_t>(prompt.size(), 16);
  for (std::size_t i = prompt.size() - seen; i < prompt.size(); ++i) {
    end += tokenizer.TokenBytes(prompt[i], ControlTokens::kShow);
  }
  while (!end.empty() && (end.back() == '\n' || end.back() == ' ')) end.pop_back();
  parsed.plan.reasoning_begun = end.ends_with(kThinkBegin);
  if (!parsed.fields.reasoning_budget) return;
  GenerationRequest& request = parsed.fields.request;
  request.reasoning_budget = parsed.fields.reasoning_budget;
  request.reasoning_begun = parsed.plan.reasoning_begun;
}

// Of the last message of the user's; of several parts the text.
std::string LastQuestion(const json::array& messages) {
  std::string question;
  for (const json::value& message : messages) {
    const json::value* const role = Find(message, "role");
    const json::value* const content = Find(message, "content");
    if (role == nullptr || *role != "user" || content == nullptr) continue;
    question = TextOfContent(*content);
  }
  return question;
}

}  // namespace

ApiResult<void> PlanAnswer(const Engine& engine, json::array messages, const ChatOptions& chat,
                           ParsedGeneration& parsed) {
  GenerationRequest& request = parsed.fields.request;
  parsed.question = LastQuestion(messages);
  if (request.prompt.empty()) {
    ChatOptions options = chat;
    ShowRules(parsed.fields.rules, engine.tool_format(), messages, options);
    Result<std::vector<TokenId>> prompt =
        engine.prompts().EncodeMessages(std::move(messages), options);
    if (!prompt) return std::unexpected(ApiError::OfPrompt(prompt.error()));
    request.prompt = *std::move(prompt);
  }
  PrepareReasoning(engine, parsed);
  parsed.plan.rules = TRY(Compile(parsed.fields.rules, engine, parsed.plan.reasoning_begun));
  request.constraint = parsed.plan.rules.constraint;
  parsed.plan.stream = parsed.fields.stream;
  parsed.plan.requests = SpreadChoices(request, parsed.fields.choices);
  return {};
}

ApiResult<ParsedGeneration> ParseChatCompletion(const json::object& body, const std::string& model,
                                                const Engine& engine) {
  JsonFields fields(body);
  fields.Ignore({"model"});
  ParsedGeneration parsed;
  json::array messages = ReadMessages(fields);
  ReadSampling(fields, engine.model().config().vocab_size, parsed.fields);
  ReadDelivery(fields, parsed.fields);
  GenerationRequest& request = parsed.fields.request;
  request.logprobs = fields.Flag("logprobs").value_or(false);
  request.top_logprobs = static_cast<int>(fields.Whole("top_logprobs", 0, 20).value_or(0));
  if (request.top_logprobs > 0 && !request.logprobs) fields.Fail("top_logprobs", "needs logprobs");
  const auto max_tokens = fields.Whole("max_tokens", 1, 10'000'000);
  const auto max_completion = fields.Whole("max_completion_tokens", 1, 10'000'000);
  request.max_tokens =
      static_cast<int>(max_completion.value_or(max_tokens.value_or(engine.context_tokens())));
  ReadLimits(fields);
  ReadFormat(fields, parsed.fields.rules);
  ReadTools(fields, /*nested=*/true, parsed.fields.rules);
  ChatOptions chat;
  if (const json::object* own = fields.Object("chat_template_kwargs")) chat.template_fields = *own;
  if (const auto effort = fields.Text("reasoning_effort")) {
    chat.template_fields["reasoning_effort"] = *effort;
    if (!engine.prompts().TemplateReads("reasoning_effort")) {
      fields.Fail("reasoning_effort", "is nothing that this model's template knows");
    }
  }
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  TRY(PlanAnswer(engine, std::move(messages), chat, parsed));
  parsed.format = MakeChatFormat(model, request.logprobs ? &engine.tokenizer() : nullptr,
                                 parsed.fields.include_usage);
  return parsed;
}

}  // namespace kinglet
