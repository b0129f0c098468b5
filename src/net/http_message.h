// SPDX-License-Identifier: Apache-2.0
// HTTP requests and answers as values, and the small grammar of their parts (RFC 9110, RFC 9112,
// RFC 3986). Pure: no socket, no clock.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinglet {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;   // GET for HEAD too: the server leaves out the body of the answer
  std::string path;     // percent-decoded once, begins with "/"; without the query. ".." stays
  HttpHeaders query;    // decoded, in order
  HttpHeaders headers;  // in order, as sent; values need not be UTF-8
  std::string body;     // whole; of chunks put together
  std::string remote;   // "127.0.0.1:4711", "[::1]:4711", "unix"
  bool encrypted = false;
  bool over_unix_socket = false;
  double received_ms = 0;  // MonotonicMs() when its last byte came

  // The first of that name, whatever its case; nothing where there is none.
  std::optional<std::string_view> Header(std::string_view name) const;
  // The first of exactly that name.
  std::optional<std::string_view> Query(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;     // 200 to 599
  HttpHeaders headers;  // beside Date, Server, Content-Length, Connection, Content-Encoding
  std::string content_type = "application/json";
  std::string body;  // compressed where the client takes gzip and it is long enough
};

// Why a request is refused: the status that says it, and a literal for a person.
struct HttpFault {
  int status = 0;
  std::string_view message;
};

// What of a request decides the form of its answer.
struct HttpFraming {
  bool is_http_1_0 = false;
  bool is_head = false;     // the answer's body stays away
  bool keep_alive = false;  // the client wants to go on after the answer
  bool accepts_gzip = false;
};

// A request target, in origin form ("/a?b") or in absolute form, whose scheme and host are checked
// and passed over. Escapes are undone once; "+" is a space in the query alone. Bytes beyond ASCII
// need not be escaped, since curl does not do it, but all must be UTF-8 in the end, without NUL.
struct HttpTarget {
  std::string path;
  HttpHeaders query;
};
std::expected<HttpTarget, HttpFault> ParseHttpTarget(std::string_view target);

// A token of RFC 9110, 5.6.2, as names and methods are. Not empty.
bool IsHttpToken(std::string_view text);
// Without controls other than tabs: no value can end its line.
bool IsHttpValue(std::string_view text);
// What a Host header may hold: a name or an address, and a port.
bool IsHttpHost(std::string_view text);
// Without regard to the case of ASCII letters.
bool SameHttpName(std::string_view a, std::string_view b);
// Without spaces and tabs at its ends.
std::string_view TrimHttpValue(std::string_view text);

// Whether a comma-separated header, which may come in several lines, lists that name.
bool ListsHttpName(const HttpHeaders& headers, std::string_view header, std::string_view name);

// Whether the client would rather have gzip than the plain answer, by the weights it gives.
bool AcceptsGzip(const HttpHeaders& headers);

}  // namespace kinglet
