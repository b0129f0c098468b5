// SPDX-License-Identifier: Apache-2.0
// HTTP POST by libcurl, many at once in one thread, whose answers are read piece by piece as they
// come. What stands still costs nothing: only sockets with news are looked at.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kinglet {

struct HttpPost {
  std::string url;
  std::string body;          // application/json
  std::string bearer_token;  // empty: none
  int connect_timeout_ms = 10'000;
  int timeout_ms = 600'000;  // of the whole, connecting included
};

enum class HttpPostEnd {
  kWhole,         // the answer came to its end, whatever its status is
  kNoConnection,  // nobody answered at the address
  kBroken,        // the connection ended too early, or what came is no HTTP
  kTimedOut,
  kCancelled,
};

// Whom a request tells what becomes of it; times are MonotonicMs(). OnEnd comes once, and last.
class HttpPostListener {
 public:
  virtual ~HttpPostListener() = default;
  virtual void OnSent(double now_ms) = 0;  // the last byte of the body has gone
  // The answer, of which nothing has come yet, asks to be asked again no sooner.
  virtual void OnRetryAfter(double /*seconds*/) {}
  // False: what comes is of no use, end the request as kCancelled.
  virtual bool OnBody(int status, std::string_view bytes, double now_ms) = 0;
  virtual void OnEnd(HttpPostEnd end, int status, double now_ms) = 0;
};

// Each request has a connection of its own: libcurl would send one again whose connection, kept
// from an earlier one, turns out to be dead. No redirect is followed.
class HttpStreamClient {
 public:
  static Result<std::unique_ptr<HttpStreamClient>> Create();
  virtual ~HttpStreamClient() = default;

  // listener must live until its OnEnd.
  virtual Result<void> Start(HttpPost post, HttpPostListener& listener) = 0;
  // Serves all requests until the time comes or, if that is earlier, something has ended.
  virtual void ServeUntil(double monotonic_ms) = 0;
  virtual void CancelAll() = 0;
  virtual std::size_t in_flight() const = 0;
};

}  // namespace kinglet
