// SPDX-License-Identifier: Apache-2.0
// Markdown, as chat clients show it.
#include "server/library_chat.h"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "server/chat_messages.h"
#include "server/openai_chat.h"

namespace kinglet {
namespace {

constexpr std::size_t kAnyToken = INT32_MAX;  // where no model says which there are

// The request without what only a library's answer knows, which goes to `chat`.
json::object TakeOwnFields(const json::object& body, JsonFields& fields, LibraryChat& chat) {
  json::object rest = body;
  json::object& own = rest.at("kinglet").as_object();
  json::object taken;
  for (const char* const name : {"library", "risk", "then", "accept"}) {
    if (!own.contains(name)) continue;
    taken[name] = own.at(name);
    own.erase(name);
  }
  JsonFields of_library(taken, "kinglet");
  chat.library = of_library.Text("library").value_or("");
  chat.risk = of_library.Number("risk", 0, 1);
  chat.then = of_library.Text("then").value_or("");
  chat.accept = of_library.Number("accept", 0, 1);
  fields.TakeErrorOf(of_library);
  return rest;
}

void TakeMessages(JsonFields& fields, LibraryChat& chat) {
  for (const json::value& message : ReadMessages(fields)) {
    const json::string& role = message.at("role").as_string();
    const json::value* const content = message.as_object().if_contains("content");
    const std::string text =
        content != nullptr && content->is_string() ? std::string(content->get_string()) : "";
    if (role == "user") {
      if (!chat.question.empty()) chat.turns.push_back({std::move(chat.question), ""});
      chat.question = text;
    } else if (role == "assistant" && !chat.question.empty()) {
      chat.turns.push_back({std::exchange(chat.question, ""), text});
    }
  }
  if (chat.question.empty()) fields.Fail("messages", "must end with a question of the user");
}

}  // namespace

bool NamesLibrary(const json::object& body) {
  const json::value* const own = body.if_contains("kinglet");
  return own != nullptr && own->is_object() && own->get_object().contains("library");
}

ApiResult<LibraryChat> ParseLibraryChat(const json::object& body, const Engine* engine) {
  LibraryChat chat;
  const json::object none;
  JsonFields of_own(none);
  const json::object rest = TakeOwnFields(body, of_own, chat);
  JsonFields fields(rest);
  fields.TakeErrorOf(of_own);
  fields.Ignore({"model"});
  TakeMessages(fields, chat);
  ReadSampling(fields, engine == nullptr ? kAnyToken : engine->model().config().vocab_size,
               chat.fields);
  // As greedy as `ask` is, unless a client wants it otherwise.
  if (!body.contains("temperature")) chat.fields.request.sampling.temperature = 0;
  ReadDelivery(fields, chat.fields);
  if (chat.fields.choices > 1) fields.Fail("n", "must be 1 where a library answers");
  const auto max_tokens = fields.Whole("max_tokens", 1, 10'000'000);
  const auto max_completion = fields.Whole("max_completion_tokens", 1, 10'000'000);
  if (max_completion || max_tokens)
    chat.fields.max_tokens = static_cast<int>(max_completion.value_or(max_tokens.value_or(0)));
  ReadLimits(fields);
  constexpr std::string_view kWhy = "is not supported where a library answers";
  fields.OnlyDefault("tools", {json::array()}, kWhy);
  fields.OnlyDefault("tool_choice", {"none", "auto"}, kWhy);
  fields.OnlyDefault("response_format", {json::object{{"type", "text"}}}, kWhy);
  fields.OnlyDefault("logprobs", {false}, kWhy);
  fields.OnlyDefault("top_logprobs", {0}, kWhy);
  fields.Ignore({"parallel_tool_calls", "reasoning_effort", "chat_template_kwargs"});
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  return chat;
}

std::string ClaimText(const Claim& claim, bool is_first) {
  return fmt::format("{}{} {}", is_first ? "" : " ", claim.text, Marks(claim));
}

std::string EndText(const Answer& answer) {
  std::string text;
  std::string_view gap = answer.mode == AskMode::kQuote && !answer.abstained ? "" : "\n\n";
  if (answer.abstained) {
    text = fmt::format("I do not know: {}.", Explain(*answer.abstained));
    if (!answer.quotes.empty()) {
      text +=
          *answer.abstained == AbstainReason::kConflicting ? " It says:" : " What comes closest:";
    }
  }
  for (std::size_t i = 0; i < answer.quotes.size(); ++i) {
    const Quote& quote = answer.quotes[i];
    std::string lines = quote.text;
    for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += 3) {
      lines.replace(at, 1, "\n> ");
    }
    const std::string& place = quote.title.empty() ? quote.document : quote.title;
    text += fmt::format("{}[{}] {}{}\n> {}", std::exchange(gap, "\n\n"), i + 1, place,
                        quote.heading.empty() ? "" : ", " + quote.heading, lines);
  }
  return text;
}

}  // namespace kinglet
