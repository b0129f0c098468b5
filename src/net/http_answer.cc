// SPDX-License-Identifier: Apache-2.0
// Heads of answers, and which bodies are worth compressing.
#include "net/http_answer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/gzip.h"

namespace kinglet {
namespace {

// Below it the head of gzip and the work cost more than the bytes.
constexpr std::size_t kMinGzipBytes = 1024;

std::string_view ReasonOf(int status) {
  static constexpr auto kReasons = std::to_array<std::pair<int, std::string_view>>({
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  });
  const auto* const found =
      std::ranges::find(kReasons, status, &decltype(kReasons)::value_type::first);
  return found == kReasons.end() ? "Unknown" : found->second;
}

// IMF-fixdate of RFC 9110, 5.6.7; fmt's names of days and months are English without a locale.
std::string HttpDate(std::int64_t unix_seconds) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}",
                     fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

bool IsSetHere(std::string_view name) {
  return std::ranges::any_of(
      std::to_array<std::string_view>({"Date", "Server", "Connection", "Content-Length",
                                       "Transfer-Encoding", "Keep-Alive", "Trailer", "Upgrade"}),
      [name](std::string_view other) { return SameHttpName(name, other); });
}

// Text, and what is text by another name. Event streams are never whole.
bool IsCompressible(std::string_view content_type) {
  const std::string_view type = TrimHttpValue(content_type.substr(0, content_type.find(';')));
  if (SameHttpName(type.substr(0, 5), "text/")) return true;
  constexpr auto kOthers = std::to_array<std::string_view>(
      {"application/json", "application/x-ndjson", "application/javascript", "application/xml",
       "application/yaml", "image/svg+xml"});
  if (std::ranges::any_of(kOthers, [type](auto other) { return SameHttpName(type, other); })) {
    return true;
  }
  const std::size_t plus = type.rfind('+');
  return plus != std::string_view::npos && SameHttpName(type.substr(plus), "+json");
}

bool HasHeader(const HttpHeaders& headers, std::string_view name) {
  return std::ranges::any_of(
      headers, [name](const auto& header) { return SameHttpName(name, header.first); });
}

void AppendHeader(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  for (const char c : value) head += IsHttpValue({&c, 1}) ? c : ' ';
  head += "\r\n";
}

// All but the length and the line that ends it.
std::string CommonHead(int status, std::string_view content_type, const HttpHeaders& headers,
                       const HttpFraming& framing, bool keep_alive) {
  KINGLET_CHECK(status >= 200 && status <= 599, "status {}", status);
  std::string head;
  head.reserve(256);
  head += fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nServer: kinglet\r\n", status, ReasonOf(status),
                      HttpDate(UnixSeconds()));
  if (!content_type.empty() && HasHttpBody(status)) {
    AppendHeader(head, "Content-Type", content_type);
  }
  for (const auto& [name, value] : headers) {
    if (IsHttpToken(name) && !IsSetHere(name)) AppendHeader(head, name, value);
  }
  if (!keep_alive) {
    head += "Connection: close\r\n";
  } else if (framing.is_http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
  return head;
}

}  // namespace

bool HasHttpBody(int status) { return status >= 200 && status != 204 && status != 304; }

std::string WholeAnswer(HttpResponse response, const HttpFraming& framing, bool keep_alive) {
  HttpHeaders& headers = response.headers;
  if (response.body.size() >= kMinGzipBytes && IsCompressible(response.content_type) &&
      HasHttpBody(response.status) && !HasHeader(headers, "Content-Encoding")) {
    headers.emplace_back("Vary", "Accept-Encoding");  // for caches: another client gets it plain
    std::optional<std::string> packed;
    if (framing.accepts_gzip) packed = Gzip(response.body);
    if (packed && packed->size() < response.body.size()) {
      response.body = *std::move(packed);
      headers.emplace_back("Content-Encoding", "gzip");
    }
  }
  std::string answer =
      CommonHead(response.status, response.content_type, headers, framing, keep_alive);
  if (!HasHttpBody(response.status)) return answer += "\r\n";
  answer += fmt::format("Content-Length: {}\r\n\r\n", response.body.size());
  if (!framing.is_head) answer += response.body;
  return answer;
}

std::string StreamHead(int status, std::string_view content_type, const HttpHeaders& headers,
                       const HttpFraming& framing, bool keep_alive) {
  std::string head = CommonHead(status, content_type, headers, framing, keep_alive);
  if (HasHttpBody(status) && !framing.is_http_1_0) head += "Transfer-Encoding: chunked\r\n";
  return head += "\r\n";
}

std::string Chunk(std::string_view piece) {
  return fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
}

}  // namespace kinglet
