// SPDX-License-Identifier: Apache-2.0
// Asks a chat endpoint of OpenAI's API questions with tools, several at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/tool_calls_reply.h"
#include "eval/tool_calls_suite.h"

namespace kinglet {

// How a question is put.
enum class ToolAsking : std::uint8_t {
  kTools,         // with tools, tool_choice auto
  kSchema,        // for the arguments of its one function, by response_format
  kHiddenSchema,  // the same; Kinglet is told not to show the model the schema
};

struct ToolTarget {
  std::string url;    // as far as the host, or with /v1
  std::string model;  // empty: the request names none
  std::string api_key;
  ToolAsking asking = ToolAsking::kTools;
  std::size_t max_tokens = 512;  // of an answer
  std::size_t concurrency = 4;   // requests at once
  int timeout_ms = 600'000;      // of a request, sent again or not
};

// An outcome for each question, in order; greedily. interrupted is asked now and then, true ends
// it: kCancelled; retried is told why a request is sent again. kFailed where nobody answers at the
// address, kUsage where a question that is to be put with a schema has not just one function.
Result<std::vector<ToolOutcome>> AskToolQuestions(
    const ToolTarget& target, const std::vector<ToolQuestion>& questions,
    const std::function<bool()>& interrupted, const std::function<void(std::string_view)>& retried);

}  // namespace kinglet
