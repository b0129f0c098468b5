// SPDX-License-Identifier: Apache-2.0
// A question is a request, with its functions as tools or with a schema for the arguments of one.
#include "eval/tool_calls_asker.h"

#include <utility>

#include "eval/endpoint.h"
#include "eval/endpoint_posts.h"

namespace kinglet {
namespace {

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

Result<std::vector<ToolOutcome>> AskToolQuestions(
    const ToolTarget& target, const std::vector<ToolQuestion>& questions,
    const std::function<bool()>& interrupted,
    const std::function<void(std::string_view)>& retried) {
  if (target.asking != ToolAsking::kTools) {
    for (const ToolQuestion& question : questions) {
      if (question.functions.size() == 1) continue;
      return Error(StatusCode::kUsage, "{}: arguments are asked of one function, and it has {}",
                   question.id, question.functions.size());
    }
  }
  const std::string url = TRY(EndpointUrl(target.url, "/chat/completions"));
  std::vector<ToolOutcome> outcomes(questions.size());
  const bool by_tools = target.asking == ToolAsking::kTools;
  TRY(SendPosts({.count = questions.size(),
                 .at_once = target.concurrency,
                 .post =
                     [&](std::size_t i) {
                       return PostOf(target, url, questions[i], ToTools(questions[i].functions));
                     },
                 .take = [&](std::size_t i, const EndpointAnswer& answer) -> Result<void> {
                   const json::array tools = ToTools(questions[i].functions);
                   ToolReply reply{.error = answer.error};
                   if (reply.error.empty()) {
                     reply = by_tools ? ReadToolReply(answer.status, answer.body, tools)
                                      : ReadArgumentsReply(answer.status, answer.body, tools);
                   }
                   outcomes[i] = JudgeReply(questions[i], std::move(reply));
                   return {};
                 },
                 .interrupted = interrupted,
                 .retried = retried},
                target.url));
  return outcomes;
}

}  // namespace kinglet
