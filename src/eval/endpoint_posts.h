// SPDX-License-Identifier: Apache-2.0
// Many requests to one endpoint, so many at once, each answer whole. One that fails is sent again.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "eval/retry.h"
#include "net/http_stream_client.h"

namespace kinglet {

struct EndpointAnswer {
  std::string error;  // none came; why
  int status = 0;
  std::string body;
};

struct EndpointPosts {
  std::size_t count = 0;
  std::size_t at_once = 4;  // those that wait to be sent again among them
  // Asked for each attempt, first ones in order. timeout_ms is of all its attempts together.
  std::function<HttpPost(std::size_t)> post;
  // What came in the end, as they come to it; an error ends all.
  std::function<Result<void>(std::size_t, const EndpointAnswer&)> take;
  std::function<bool()> interrupted;  // asked now and then; true ends it: kCancelled
  // Told why one is sent again and when, of many at once only now and then.
  std::function<void(std::string_view)> retried;
  RetryRule retry;
};

// kFailed where nobody answers, the first of them at once and any other in all its attempts; url is
// for that message.
Result<void> SendPosts(const EndpointPosts& posts, const std::string& url);

}  // namespace kinglet
