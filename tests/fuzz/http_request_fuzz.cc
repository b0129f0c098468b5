// SPDX-License-Identifier: Apache-2.0
// What a connection receives: requests one after another until one is refused, whole and in small
// pieces. Both ways mean the same, and what a handler gets keeps its promises.
// Covers: src/net/http_message.cc src/net/http_parser.cc src/net/http_answer.cc
// Longest input: 1300
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/display.h"
#include "base/utf8.h"
#include "net/http_answer.h"
#include "net/http_parser.h"

namespace kinglet {
namespace {

// Small, so that short inputs reach them.
constexpr HttpLimits kLimits{.max_header_bytes = 1000, .max_body_bytes = 200};

bool IsCleanText(std::string_view text) {
  return IsUtf8(text) && text.find('\0') == std::string_view::npos;
}

void CheckRequest(const HttpRequest& request, const HttpFraming& framing) {
  KINGLET_CHECK(IsHttpToken(request.method) && request.method != "HEAD", "{}", request.method);
  KINGLET_CHECK(request.path.starts_with('/') && IsCleanText(request.path), "{}",
                EscapeForDisplay(request.path));
  for (const auto& [name, value] : request.query) {
    KINGLET_CHECK(IsCleanText(name) && IsCleanText(value), "{}", EscapeForDisplay(name));
  }
  std::size_t hosts = 0;
  for (const auto& [name, value] : request.headers) {
    KINGLET_CHECK(IsHttpToken(name) && IsHttpValue(value), "{}", EscapeForDisplay(name));
    hosts += SameHttpName(name, "host") ? 1 : 0;
  }
  KINGLET_CHECK(hosts == 1 || (hosts == 0 && framing.is_http_1_0), "{} hosts", hosts);
  KINGLET_CHECK(request.body.size() <= kLimits.max_body_bytes, "{} bytes", request.body.size());
}

// A handler that sends back all that it got: nothing of it may end the head early.
void CheckEcho(const HttpRequest& request, const HttpFraming& framing) {
  HttpResponse response{.headers = request.headers, .content_type = request.path};
  response.headers.emplace_back(request.path, request.path);
  for (const auto& parameter : request.query) response.headers.push_back(parameter);
  const std::string answer = WholeAnswer(response, framing, framing.keep_alive);
  KINGLET_CHECK(answer.find("\r\n\r\n") == answer.size() - 4, "{}", EscapeForDisplay(answer));
  const std::string head =
      StreamHead(200, request.path, response.headers, framing, framing.keep_alive);
  KINGLET_CHECK(head.find("\r\n\r\n") == head.size() - 4, "{}", EscapeForDisplay(head));
}

// What became of the bytes, as lines that can be compared.
std::vector<std::string> Read(std::string_view bytes, std::size_t piece_bytes) {
  std::vector<std::string> story;
  HttpParser parser(kLimits);
  while (!bytes.empty() && parser.state() != HttpParser::State::kRefused) {
    const std::string_view piece = bytes.substr(0, piece_bytes);
    const std::size_t taken = parser.Feed(piece);
    KINGLET_CHECK(taken <= piece.size(), "{} of {}", taken, piece.size());
    bytes.remove_prefix(taken);
    if (parser.state() == HttpParser::State::kWhole) {
      const HttpFraming framing = parser.framing();
      const HttpRequest request = parser.Take();
      CheckRequest(request, framing);
      CheckEcho(request, framing);
      story.push_back(fmt::format("{} {} {} {} {}{}{}{}", request.method, request.path,
                                  request.headers.size(), request.body, framing.is_head,
                                  framing.is_http_1_0, framing.keep_alive, framing.accepts_gzip));
    } else if (parser.state() != HttpParser::State::kRefused) {
      KINGLET_CHECK(taken == piece.size(), "{} of {}", taken, piece.size());
    }
  }
  if (parser.state() == HttpParser::State::kRefused) {
    const HttpFault& fault = parser.fault();
    KINGLET_CHECK(fault.status >= 400 && fault.status <= 505, "{}", fault.status);
    KINGLET_CHECK(parser.Feed("GET / HTTP/1.1\r\n") == 0, "reads on after {}", fault.message);
    story.push_back(fmt::format("{} {}", fault.status, fault.message));
  }
  return story;
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> whole = kinglet::Read(bytes, std::max<std::size_t>(size, 1));
  for (const std::size_t piece_bytes : {1, 7}) {
    KINGLET_CHECK(kinglet::Read(bytes, piece_bytes) == whole, "pieces of {}", piece_bytes);
  }
  return 0;
}
