// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server: bytes and sockets; what a request means is the handler's business.
//
// One network thread reads requests; handlers run on worker threads and may take their time, or
// answer later from any other thread. Whoever answers sends the bytes itself, as far as the kernel
// takes them at once, so that no piece waits for another thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/http_message.h"

namespace kinglet {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an address, IPv4 or IPv6, or a name that has one; empty: none
  std::uint16_t port = 0;          // 0: one that is free
  std::filesystem::path unix_socket;  // empty: none. Made with mode 0600; a stale one is replaced
  std::filesystem::path tls_certificate, tls_key;  // PEM; both or none: TLS 1.2 and up on host:port
  int worker_threads = 4;
  // Of requests whose handler waits for nobody: they have a thread of their own, and are answered
  // when all others wait. Called on the network thread; empty: of none.
  std::function<bool(const HttpRequest& request)> never_waits;

  std::size_t max_connections = 1024;  // beyond it a connection is answered 503 and closed
  std::size_t max_header_bytes = std::size_t{32} << 10;
  std::size_t max_body_bytes = std::size_t{8} << 20;
  // Of all requests that are read or answered at one time; who goes beyond it is answered 503.
  std::size_t max_body_bytes_in_all = std::size_t{256} << 20;
  // Of an answer in pieces, what waits for a client to read it; one who reads so slowly has gone.
  // A whole answer waits whatever its size, and so does one piece for which none waits.
  std::size_t max_unsent_bytes = std::size_t{4} << 20;
  int header_timeout_ms = 10'000;  // from a request's first byte, or that of TLS, to the head's end
  int body_timeout_ms = 30'000;    // between two pieces of a body
  int idle_timeout_ms = 75'000;    // between two requests of a connection, and before the first
  int write_timeout_ms = 30'000;   // in which a client takes something of what waits for it
  int farewell_ms = 5000;          // in which one beyond max_connections has asked, and in which
                                   // whoever is not served further has read why

  // The answer to what is no request, and to one that the handler failed to answer, with the status
  // that says why; set by who knows the format. Called on any thread.
  std::function<std::string(int status, std::string_view message)> error_body;
  std::string error_content_type = "application/json";
};

// One request's way back to its client. Thread-safe; one answer for each: what comes after it is
// passed over. Whoever lets go of it without an answer has answered 500; within an answer in
// pieces, the connection breaks off.
//
// A client that ends its side of the connection counts as gone, since nobody can tell whether it
// still reads. A whole answer is sent to it all the same: some clients (nc) end their side with
// their request, and then wait.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual void Respond(HttpResponse response) = 0;

  // An answer in pieces (chunked): its head, then pieces, each sent at once, then its end. False:
  // the client has gone, does not read what waits for it, or wants no body (HEAD); nothing more
  // will be sent.
  virtual bool Begin(int status, std::string_view content_type, const HttpHeaders& headers) = 0;
  virtual bool Write(std::string piece) = 0;
  virtual void End() = 0;

  // Called once, if the client goes away before the answer's end: at once where it has gone
  // already, else on the network thread, which it must not hold up, perhaps while another thread
  // ends the answer. Whoever computes for it can stop. It must not own the exchange, which then
  // nobody could let go of.
  virtual void OnGone(std::function<void()> gone) = 0;
};

using HttpHandler =
    std::function<void(HttpRequest request, std::shared_ptr<HttpExchange> exchange)>;

class HttpServer {
 public:
  // Binds and listens, but answers nobody before Run. kFailed: the address is taken or cannot be
  // bound; kInvalidInput: certificate or key cannot be read; kUsage: there is nothing to listen on.
  static Result<std::unique_ptr<HttpServer>> Listen(const HttpServerOptions& options,
                                                    HttpHandler handler);
  virtual ~HttpServer() = default;

  virtual std::uint16_t port() const = 0;  // 0: none
  // Serves until Stop, once. Returns when all connections are closed and all handlers have
  // returned; exchanges that are still held can be let go of at any time.
  virtual void Run() = 0;
  // From any thread: accepts nobody any more, closes idle connections, lets exchanges end; after
  // drain_ms it cuts those that are left. Again: the earlier cut counts.
  virtual void Stop(int drain_ms) = 0;
  virtual std::size_t connections() const = 0;  // but for those that are answered 503
};

}  // namespace kinglet
