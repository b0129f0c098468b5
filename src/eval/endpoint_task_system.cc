// SPDX-License-Identifier: Apache-2.0
// Endpoints are strangers: whatever they send becomes a reply or an error of it.
#include <algorithm>
#include <utility>

#include "base/display.h"
#include "base/json.h"
#include "base/utf8.h"
#include "eval/endpoint.h"
#include "eval/endpoint_posts.h"
#include "eval/reply_collector.h"
#include "eval/task_system.h"

namespace kinglet {
namespace {

constexpr std::size_t kShownBytes = 300;

struct Part {
  std::size_t ask = 0;
  std::size_t choice = 0;
};

class EndpointSystem final : public TaskSystem {
 public:
  EndpointSystem(TaskEndpoint endpoint, std::function<bool()> interrupted,
                 std::function<void(std::string_view)> retried)
      : endpoint_(std::move(endpoint)),
        interrupted_(std::move(interrupted)),
        retried_(std::move(retried)) {}

  Result<void> Answer(std::span<const TaskAsk> asks, const ReplySink& take) override {
    const std::string of_chat = TRY(EndpointUrl(endpoint_.url, "/chat/completions"));
    const std::string of_text = TRY(EndpointUrl(endpoint_.url, "/completions"));
    std::vector<Part> parts;
    for (std::size_t i = 0; i < asks.size(); ++i) {
      if (!asks[i].messages.empty() && !asks[i].choices.empty()) {
        return Error(StatusCode::kUsage,
                     "an endpoint tells likelihoods of choices behind a raw prompt alone: set "
                     "format = \"raw\"");
      }
      for (std::size_t c = 0; c < std::max<std::size_t>(1, asks[i].choices.size()); ++c) {
        parts.push_back({.ask = i, .choice = c});
      }
    }
    ReplyCollector replies(asks, take);
    return SendPosts({.count = parts.size(),
                      .at_once = endpoint_.at_once,
                      .post =
                          [&](std::size_t i) {
                            const TaskAsk& ask = asks[parts[i].ask];
                            return HttpPost{.url = ask.messages.empty() ? of_text : of_chat,
                                            .body = ToJson(BodyOf(ask, parts[i].choice)),
                                            .bearer_token = endpoint_.api_key,
                                            .timeout_ms = endpoint_.timeout_ms};
                          },
                      .take =
                          [&](std::size_t i, const EndpointAnswer& answer) {
                            return Take(asks[parts[i].ask], parts[i], answer, replies);
                          },
                      .interrupted = interrupted_,
                      .retried = retried_},
                     endpoint_.url);
  }

 private:
  json::object BodyOf(const TaskAsk& ask, std::size_t choice) const {
    json::object body = {{"temperature", 0}};
    if (!endpoint_.model.empty()) body["model"] = endpoint_.model;
    if (!ask.choices.empty()) {
      body["prompt"] = ask.text + ask.choices[choice];
      body["echo"] = true;
      body["logprobs"] = 1;
      body["max_tokens"] = 1;  // some servers know no 0
      return body;
    }
    body["max_tokens"] = ask.max_tokens;
    if (!ask.stop.empty()) body["stop"] = json::array(ask.stop.begin(), ask.stop.end());
    if (ask.messages.empty()) {
      body["prompt"] = ask.text;
      return body;
    }
    json::array messages;
    for (const ChatMessage& message : ask.messages) {
      messages.push_back(json::object{{"role", message.role}, {"content", message.content}});
    }
    body["messages"] = std::move(messages);
    return body;
  }

  static Result<void> Take(const TaskAsk& ask, const Part& part, const EndpointAnswer& answer,
                           ReplyCollector& replies) {
    if (!answer.error.empty()) return replies.Fail(part.ask, answer.error);
    if (answer.status != 200) {
      return replies.Fail(
          part.ask, fmt::format("status {}: {}", answer.status, Quoted(answer.body, kShownBytes)));
    }
    if (ask.choices.empty()) {
      auto text = RepliedText(answer.body);
      if (!text) return replies.Fail(part.ask, text.error().message());
      return replies.Text(part.ask, *std::move(text));
    }
    // White space at the prompt's end is counted to the choice.
    const std::size_t end = ask.text.find_last_not_of(" \t\n\r\f\v") + 1;
    const std::size_t letters =
        CountUtf8(std::string_view(ask.text).substr(end)) + CountUtf8(ask.choices[part.choice]);
    const auto logprob = EchoedLogprob(answer.body, letters);
    if (!logprob) return replies.Fail(part.ask, logprob.error().message());
    return replies.Choice(part.ask, part.choice, *logprob);
  }

  TaskEndpoint endpoint_;
  std::function<bool()> interrupted_;
  std::function<void(std::string_view)> retried_;
};

Result<json::value> FirstChoice(const json::value& answer) {
  const json::value* const choices = Find(answer, "choices");
  if (choices == nullptr || !choices->is_array() || choices->get_array().empty()) {
    return Error(StatusCode::kInvalidInput, "the answer has no choices");
  }
  return choices->get_array()[0];
}

std::span<const json::value> ListOf(const json::value& value, std::string_view name) {
  const json::value* const list = Find(value, name);
  if (list == nullptr || !list->is_array()) return {};
  return {list->get_array().data(), list->get_array().size()};
}

std::size_t CountOf(const json::value& value) {
  return value.is_number() ? static_cast<std::size_t>(std::max(0.0, value.to_number<double>())) : 0;
}

}  // namespace

Result<std::string> RepliedText(std::string_view body) {
  const json::value answer = TRY(ParseJson(body));
  const json::value choice = TRY(FirstChoice(answer));
  const json::value* text = Find(choice, "text");
  if (const json::value* const message = Find(choice, "message")) {
    text = Find(*message, "content");
    if (text != nullptr && text->is_null()) return std::string();
  }
  if (text != nullptr && text->is_string()) return std::string(text->get_string());
  return Error(StatusCode::kInvalidInput, "the answer has no text");
}

Result<double> EchoedLogprob(std::string_view body, std::size_t letters) {
  const json::value answer = TRY(ParseJson(body));
  const json::value choice = TRY(FirstChoice(answer));
  const json::value* const logprobs = Find(choice, "logprobs");
  const json::value* const usage = Find(answer, "usage");
  const json::value* const tokens = usage == nullptr ? nullptr : Find(*usage, "prompt_tokens");
  if (logprobs == nullptr || tokens == nullptr) {
    return Error(StatusCode::kInvalidInput, "the endpoint echoes no likelihoods of a prompt");
  }
  const auto values = ListOf(*logprobs, "token_logprobs");
  const auto offsets = ListOf(*logprobs, "text_offset");
  const std::size_t prompt = CountOf(*tokens);
  if (prompt == 0 || values.size() < prompt || offsets.size() != values.size()) {
    return Error(StatusCode::kInvalidInput, "the endpoint echoes no likelihoods of a prompt");
  }
  // Where the prompt ends: offsets count from whatever the endpoint has put before it.
  std::size_t end = 0;
  if (prompt < offsets.size()) {
    end = CountOf(offsets[prompt]);
  } else if (const json::value* const text = Find(choice, "text"); text && text->is_string()) {
    end = CountUtf8(text->get_string());
  }
  double sum = 0;
  std::size_t own = 0;
  for (std::size_t i = 1; i < prompt; ++i) {
    if (CountOf(offsets[i]) + letters < end || !values[i].is_number()) continue;
    sum += values[i].to_number<double>();
    ++own;
  }
  if (own == 0) {
    return Error(StatusCode::kInvalidInput, "a choice needs a token before it and one of its own");
  }
  return sum;
}

std::unique_ptr<TaskSystem> MakeEndpointSystem(TaskEndpoint endpoint,
                                               std::function<bool()> interrupted,
                                               std::function<void(std::string_view)> retried) {
  return std::make_unique<EndpointSystem>(std::move(endpoint), std::move(interrupted),
                                          std::move(retried));
}

}  // namespace kinglet
