// SPDX-License-Identifier: Apache-2.0
// When a request that failed is sent again, and how long that waits: as OpenAI's own clients do it.
#pragma once

#include <optional>

#include "net/http_stream_client.h"

namespace kinglet {

struct RetryRule {
  int attempts = 6;        // in all
  double first_ms = 500;   // the wait before the second; each is twice the one before it
  double most_ms = 8'000;  // up to this
};

struct PostAttempt {
  HttpPostEnd end = HttpPostEnd::kWhole;
  int status = 0;
  int number = 1;             // of attempts, with this one
  double retry_after_ms = 0;  // that the answer asks for; 0: it does not
  double left_ms = 0;         // of the time for all attempts
};

// How long to wait before the next one. Unset: what came stands, because it is an answer, another
// attempt would end alike, or there is none left and no time. luck: in [0, 1), shortens the wait by
// up to a quarter, so that those who failed together do not come back together.
std::optional<double> RetryDelayMs(const RetryRule& rule, const PostAttempt& attempt, double luck);

}  // namespace kinglet
