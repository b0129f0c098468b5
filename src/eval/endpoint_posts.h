// SPDX-License-Identifier: Apache-2.0
// Many requests to one endpoint, so many at once, each answer whole.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/status.h"
#include "net/http_stream_client.h"

namespace kinglet {

struct EndpointAnswer {
  std::string error;  // none came; why
  int status = 0;
  std::string body;
};

struct EndpointPosts {
  std::size_t count = 0;
  std::size_t at_once = 4;
  std::function<HttpPost(std::size_t)> post;  // asked for once, in order
  // In the order in which they come; an error ends all.
  std::function<Result<void>(std::size_t, const EndpointAnswer&)> take;
  std::function<bool()> interrupted;  // asked now and then; true ends it: kCancelled
};

// kFailed where nobody answers the first of them; url is for that message.
Result<void> SendPosts(const EndpointPosts& posts, const std::string& url);

}  // namespace kinglet
