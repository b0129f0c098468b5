// SPDX-License-Identifier: Apache-2.0
// A response as it goes over the wire: a message, calls of tools, and the events of both.
#pragma once

#include <memory>
#include <string>

#include "server/openai_responses.h"

namespace kinglet {

struct ResponsePlan {
  json::object echoed;   // the members of the response that repeat the request
  json::array messages;  // the conversation so far, to be remembered with the answer
  bool stores = true;
  std::string owner;
};

// memory must outlive the format.
std::unique_ptr<ReplyFormat> MakeResponseFormat(ResponsePlan plan, ResponseMemory& memory);

}  // namespace kinglet
