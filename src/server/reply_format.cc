// SPDX-License-Identifier: Apache-2.0
// What the formats share.
#include "server/reply_format.h"

#include <random>

namespace kinglet {

std::string Event(const json::object& data, std::string_view name) {
  std::string event;
  if (!name.empty()) event = fmt::format("event: {}\n", name);
  event += "data: ";
  event += ToJson(data);
  event += "\n\n";
  return event;
}

std::string MakeId(std::string_view prefix) {
  constexpr std::string_view kLetters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  thread_local std::random_device random;
  std::string id(prefix);
  for (int i = 0; i < 24; ++i) id += kLetters[random() % kLetters.size()];
  return id;
}

const char* FinishWord(const ReplyChoice& choice) {
  if (choice.result.finish_reason == FinishReason::kLength) return "length";
  return choice.calls.empty() ? "stop" : "tool_calls";
}

json::object CallToJson(const ToolCall& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", json::object{{"name", call.name}, {"arguments", call.arguments}}}};
}

json::object UsageOf(const ReplyTotals& totals) {
  return {
      {"prompt_tokens", totals.prompt_tokens},
      {"completion_tokens", totals.completion_tokens},
      {"total_tokens", totals.prompt_tokens + totals.completion_tokens},
      {"prompt_tokens_details", json::object{{"cached_tokens", totals.cached_tokens}}},
      {"completion_tokens_details", json::object{{"reasoning_tokens", totals.reasoning_tokens}}}};
}

std::string TokenText(TokenId id, const Tokenizer& tokenizer) {
  return std::string(tokenizer.TokenBytes(id, ControlTokens::kShow));
}

json::object OddsToJson(const TokenOdds& odds, const Tokenizer& tokenizer) {
  const auto one = [&](TokenId id, float logprob) {
    const std::string text = TokenText(id, tokenizer);
    json::array bytes;
    for (const char c : text) bytes.push_back(static_cast<std::uint8_t>(c));
    return json::object{{"token", text}, {"logprob", logprob}, {"bytes", std::move(bytes)}};
  };
  json::object out = one(odds.token, odds.logprob);
  json::array top;
  for (const auto& [id, logprob] : odds.top) top.push_back(one(id, logprob));
  out["top_logprobs"] = std::move(top);
  return out;
}

}  // namespace kinglet
