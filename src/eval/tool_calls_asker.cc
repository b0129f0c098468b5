// SPDX-License-Identifier: Apache-2.0
// One thread keeps so many requests on their way until all are answered.
#include "eval/tool_calls_asker.h"

#include <deque>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/display.h"
#include "eval/endpoint.h"
#include "net/http_stream_client.h"

namespace kinglet {
namespace {

constexpr double kWatchMs = 250;
constexpr std::size_t kMaxAnswerBytes = std::size_t{8} << 20;

// Keeps a whole answer.
class Answer final : public HttpPostListener {
 public:
  void OnSent(double) override {}
  bool OnBody(int, std::string_view bytes, double) override {
    body_ += bytes;
    return body_.size() <= kMaxAnswerBytes;
  }
  void OnEnd(HttpPostEnd end, int status, double) override {
    end_ = end;
    status_ = status;
  }

  Answer(json::array tools, ToolAsking asking) : tools_(std::move(tools)), asking_(asking) {}

  const json::array& tools() const { return tools_; }
  bool found_nobody() const { return end_ == HttpPostEnd::kNoConnection; }
  ToolReply Read() const {
    ToolReply reply;
    switch (end_) {
      case HttpPostEnd::kWhole:
        return asking_ == ToolAsking::kTools ? ReadToolReply(status_, body_, tools_)
                                             : ReadArgumentsReply(status_, body_, tools_);
      case HttpPostEnd::kNoConnection:
        reply.error = "no connection";
        break;
      case HttpPostEnd::kBroken:
        reply.error = "the connection ended too early";
        break;
      case HttpPostEnd::kTimedOut:
        reply.error = "no answer in time";
        break;
      case HttpPostEnd::kCancelled:
        reply.error = "the answer is too long";
        break;
    }
    return reply;
  }

 private:
  json::array tools_;  // that were sent, or whose arguments were asked for
  ToolAsking asking_;
  std::string body_;
  int status_ = 0;
  HttpPostEnd end_ = HttpPostEnd::kCancelled;
};

HttpPost PostOf(const ToolTarget& target, const std::string& url, const ToolQuestion& question,
                const json::array& tools) {
  json::object body;
  if (!target.model.empty()) body["model"] = target.model;
  body["messages"] = question.messages;
  if (target.asking == ToolAsking::kTools) {
    body["tools"] = tools;
    body["tool_choice"] = "auto";
  } else {
    const json::value& schema = tools.at(0).at("function").at("parameters");
    body["response_format"] =
        json::object{{"type", "json_schema"},
                     {"json_schema", json::object{{"name", "arguments"}, {"schema", schema}}}};
  }
  if (target.asking == ToolAsking::kHiddenSchema) {
    body["kinglet"] = json::object{{"show_schema", false}};
  }
  body["temperature"] = 0;
  body["max_tokens"] = target.max_tokens;
  return {.url = url,
          .body = ToJson(body),
          .bearer_token = target.api_key,
          .timeout_ms = target.timeout_ms};
}

}  // namespace

Result<std::vector<ToolOutcome>> AskToolQuestions(const ToolTarget& target,
                                                  const std::vector<ToolQuestion>& questions,
                                                  const std::function<bool()>& interrupted) {
  if (target.asking != ToolAsking::kTools) {
    for (const ToolQuestion& question : questions) {
      if (question.functions.size() == 1) continue;
      return Error(StatusCode::kUsage, "{}: arguments are asked of one function, and it has {}",
                   question.id, question.functions.size());
    }
  }
  const std::string url = TRY(EndpointUrl(target.url, "/chat/completions"));
  const auto client = TRY(HttpStreamClient::Create());
  std::deque<Answer> answers;  // which stay where they are
  while (answers.size() < questions.size() || client->in_flight() > 0) {
    if (answers.size() < questions.size() && client->in_flight() < target.concurrency) {
      const ToolQuestion& question = questions[answers.size()];
      Answer& answer = answers.emplace_back(ToTools(question.functions), target.asking);
      const auto started = client->Start(PostOf(target, url, question, answer.tools()), answer);
      if (started) continue;
      client->CancelAll();  // their listeners end here
      return std::unexpected(started.error());
    }
    client->ServeUntil(MonotonicMs() + kWatchMs);
    const bool is_cancelled = interrupted && interrupted();
    if (!is_cancelled && !answers.front().found_nobody()) continue;
    client->CancelAll();
    if (is_cancelled) return Error(StatusCode::kCancelled, "interrupted");
    return Error(StatusCode::kFailed, "nobody answers at {}", EscapeForDisplay(target.url));
  }
  std::vector<ToolOutcome> outcomes;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    outcomes.push_back(JudgeReply(questions[i], answers[i].Read()));
  }
  return outcomes;
}

}  // namespace kinglet
