// SPDX-License-Identifier: Apache-2.0
// Endpoints are strangers: whatever they send becomes a reply or an error.
#include "eval/tool_calls_reply.h"

#include <utility>

#include "base/display.h"
#include "grammar/json_validator.h"

namespace kinglet {
namespace {

constexpr std::size_t kShownBytes = 300;

const json::object* ParametersOf(const json::array& tools, std::string_view name) {
  for (const json::value& tool : tools) {
    const json::value* const function = Find(tool, "function");
    const json::value* const of = function == nullptr ? nullptr : Find(*function, "name");
    if (of == nullptr || *of != json::value(name)) continue;
    const json::value* const parameters = Find(*function, "parameters");
    return parameters == nullptr ? nullptr : parameters->if_object();
  }
  return nullptr;
}

bool IsValid(const MadeCall& call, const json::array& tools) {
  const json::object* const parameters = ParametersOf(tools, call.name);
  if (parameters == nullptr) return false;
  const auto validator = JsonValidator::Create(*parameters);
  return validator && (*validator)->Validate(call.arguments);
}

void AddCall(const json::value& raw, const json::array& tools, ToolReply& reply) {
  const json::value* const function = Find(raw, "function");
  const json::value* const name = function == nullptr ? nullptr : Find(*function, "name");
  const json::value* const text = function == nullptr ? nullptr : Find(*function, "arguments");
  if (name == nullptr || !name->is_string() || text == nullptr || !text->is_string()) {
    ++reply.unparsed;
    return;
  }
  const auto arguments = ParseJson(text->get_string());
  if (!arguments || !arguments->is_object()) {
    ++reply.unparsed;
    return;
  }
  reply.calls.push_back(
      {.name = std::string(name->get_string()), .arguments = arguments->get_object()});
  if (!IsValid(reply.calls.back(), tools)) ++reply.invalid;
}

const json::value* MessageOf(const json::value& answer) {
  const json::value* const choices = Find(answer, "choices");
  if (choices == nullptr || !choices->is_array() || choices->get_array().empty()) return nullptr;
  const json::value* const message = Find(choices->get_array()[0], "message");
  return message != nullptr && message->is_object() ? message : nullptr;
}

}  // namespace

ToolReply ReadToolReply(int status, std::string_view body, const json::array& tools) {
  ToolReply reply;
  const auto answer = ParseJson(body);
  const json::value* const message = status == 200 && answer ? MessageOf(*answer) : nullptr;
  if (message == nullptr) {
    reply.error = fmt::format("status {}: {}", status, Quoted(body, kShownBytes));
    return reply;
  }
  if (const json::value* const text = Find(*message, "content"); text && text->is_string())
    reply.text = text->get_string();
  if (const json::value* const calls = Find(*message, "tool_calls"); calls && calls->is_array())
    reply.raw_calls = calls->get_array();
  for (const json::value& raw : reply.raw_calls) AddCall(raw, tools, reply);
  return reply;
}

ToolReply ReadArgumentsReply(int status, std::string_view body, const json::array& tools) {
  ToolReply reply = ReadToolReply(status, body, tools);
  if (!reply.error.empty()) return reply;
  reply.raw_calls.push_back(
      json::object{{"function", json::object{{"name", tools.at(0).at("function").at("name")},
                                             {"arguments", std::exchange(reply.text, {})}}}});
  AddCall(reply.raw_calls.back(), tools, reply);
  return reply;
}

ToolOutcome JudgeReply(const ToolQuestion& question, ToolReply reply) {
  ToolOutcome outcome{.reply = std::move(reply), .fault = {}};
  if (!outcome.reply.error.empty()) {
    outcome.fault = outcome.reply.error;
  } else if (outcome.reply.unparsed > 0) {
    outcome.fault = "a call did not parse";
  } else {
    outcome.fault = Fault(question.functions, question.expected, outcome.reply.calls);
  }
  return outcome;
}

}  // namespace kinglet
