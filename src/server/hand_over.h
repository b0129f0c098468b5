// SPDX-License-Identifier: Apache-2.0
// A chat completion that another server of OpenAI's API answers: its answer goes to the client as
// it comes, byte for byte.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "net/http_server.h"
#include "router/intents.h"
#include "server/api_error.h"

namespace kinglet {

// What came of it, as far as the answer says so.
struct HandedOver {
  int status = 0;
  int prompt_tokens = 0, completion_tokens = 0;
  double first_byte_ms = 0, total_ms = 0;  // from the call on
};

// Returns when all of the answer has come. Its last bytes go out behind on_whole, which keeps the
// books. An error: nothing has been told to the client, whose request may be answered otherwise;
// 502, 504.
ApiResult<void> HandOver(const IntentEndpoint& endpoint, const json::object& body,
                         HttpExchange& exchange,
                         const std::function<void(const HandedOver&)>& on_whole);

}  // namespace kinglet
