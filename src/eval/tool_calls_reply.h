// SPDX-License-Identifier: Apache-2.0
// What a chat endpoint answered to a question with tools: the calls that it made, and which of them
// are none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "eval/tool_calls_judge.h"
#include "eval/tool_calls_suite.h"

namespace kinglet {

struct ToolReply {
  std::string error;  // there is no answer; why
  std::string text;
  json::array raw_calls;        // as they came
  std::vector<MadeCall> calls;  // of those with arguments that are a JSON object
  std::size_t unparsed = 0;     // all others
  std::size_t invalid = 0;      // of `calls`: not a tool's, or its schema does not allow them
};

// Of the body of /v1/chat/completions. tools: those that were sent.
ToolReply ReadToolReply(int status, std::string_view body, const json::array& tools);

// The same of an endpoint that was to write the arguments alone, of the one tool: its text is the
// call.
ToolReply ReadArgumentsReply(int status, std::string_view body, const json::array& tools);

struct ToolOutcome {
  ToolReply reply;
  std::string fault;  // empty: the calls are the ones expected, or rightly there are none
};
// A call that is none is a fault, too.
ToolOutcome JudgeReply(const ToolQuestion& question, ToolReply reply);

}  // namespace kinglet
