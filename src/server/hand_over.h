// SPDX-License-Identifier: Apache-2.0
// A chat completion that another server of OpenAI's API answers: its answer goes to the client as
// it comes, byte for byte.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "ledger/ledger_line.h"
#include "net/http_server.h"
#include "router/intents.h"
#include "server/api_error.h"

namespace kinglet {

// What the answer's usage says.
struct HandedOverUsage {
  int prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
};

// Of the end of an answer, stream or not: its last usage. Unset where there is none.
std::optional<HandedOverUsage> UsageAtEnd(std::string_view tail);

// What came of it.
struct HandedOver {
  int status = 0;      // 0: nothing came before the client left
  bool whole = false;  // else it broke off, or the client left
  std::optional<HandedOverUsage> usage;
  double first_byte_ms = 0, total_ms = 0;
};

// The bill: tokens, times, and what the endpoint takes for them, as far as both are known.
LedgerLine BillOf(const HandedOver& outcome, const IntentEndpoint& endpoint);

// Times are from start_ms on. Returns when no more of the answer comes. The last bytes of a whole
// one go out behind on_end, which keeps the books of all that have begun, and of those whose client
// left before. An error: nothing has been told to the client, whose request may be answered
// otherwise; 502, 504.
ApiResult<void> HandOver(const IntentEndpoint& endpoint, const json::object& body,
                         HttpExchange& exchange, double start_ms,
                         const std::function<void(const HandedOver&)>& on_end);

}  // namespace kinglet
