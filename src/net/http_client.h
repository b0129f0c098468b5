// SPDX-License-Identifier: Apache-2.0
// HTTP GET by libcurl: of a file or of the rest of one, in pieces, within limits. HTTPS alone, but
// for servers on this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kinglet {

struct HttpDownload {
  std::string url;
  std::uint64_t first_byte = 0;  // > 0: asks for the rest of the file from there on
  std::string if_range;          // the ETag that the first part came with; another file comes whole
  std::string bearer_token;      // empty: none. No redirect is followed with one
  int connect_timeout_ms = 5000;
  int stall_timeout_s = 30;  // gives up when less than a byte a second comes for so long
  int max_redirects = 5;
};

struct HttpReply {
  int status = 0;
  std::uint64_t first_byte = 0;              // 0 where the server sends the file from its start
  std::optional<std::uint64_t> total_bytes;  // of the whole file, where the server tells
  std::string etag;                          // empty where there is none, or a weak one
};

struct HttpReceiver {
  // Once, before the first on_body, for a reply of status 200 or 206.
  std::function<Result<void>(const HttpReply&)> on_start;
  // The body, piece by piece.
  std::function<Result<void>(std::string_view)> on_body;
  // Asked at least once a second; true ends the transfer: kCancelled.
  std::function<bool()> should_stop;
};

// The host that an error or a progress line names; empty where url is no URL.
std::string HostOf(const std::string& url);

// Why a URL may not be fetched: it must be https, or http to 127.0.0.1, ::1 or localhost.
Result<void> CheckUrl(const std::string& url);

// Any status is a reply; only the body of 200 and 206 is read. kFailed: no connection, it broke, or
// it stalled; the receiver's error where on_start or on_body returned one. Each redirect is checked
// as the first URL is, and none leads from https to http.
Result<HttpReply> HttpGet(const HttpDownload& download, const HttpReceiver& receiver);

}  // namespace kinglet
