// SPDX-License-Identifier: Apache-2.0
// For tests: a server on a thread of its own, and a client that sends whatever bytes it is told to.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/http_message.h"
#include "net/http_server.h"

namespace kinglet {

inline constexpr int kPatienceMs = 10'000;  // beyond it a test has failed

struct ReplyForTest {
  int status = 0;
  std::string head;  // without the empty line at its end
  std::string body;
  bool is_whole = false;  // as its length, its last chunk or the end of the connection says

  // The value of a header, "" where there is none.
  std::string Header(std::string_view name) const {
    std::string_view rest = head;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find("\r\n"));
      rest.remove_prefix(std::min(rest.size(), line.size() + 2));
      const std::size_t colon = line.find(": ");
      if (colon != std::string_view::npos && SameHttpName(line.substr(0, colon), name)) {
        return std::string(line.substr(colon + 2));
      }
    }
    return "";
  }
};

// A blocking client over one socket.
class ClientForTest {
 public:
  explicit ClientForTest(std::uint16_t port, int receive_buffer_bytes = 0) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Connect(address, AF_INET, receive_buffer_bytes);
  }
  explicit ClientForTest(const std::filesystem::path& socket_file) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_file.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    Connect(address, AF_UNIX, 0);
  }
  explicit ClientForTest(const sockaddr_in6& address) { Connect(address, AF_INET6, 0); }

  int fd() const { return socket_.get(); }
  bool is_connected() const { return socket_.is_open(); }

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the server has closed; what it answered says why
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void EndSending() { shutdown(fd(), SHUT_WR); }
  void Close() { socket_ = FileDescriptor(); }
  void Reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    Close();
  }

  // Reads until what came holds `mark`, and takes up to its end; less where the connection ends.
  std::string ReadThrough(std::string_view mark) {
    std::size_t at = 0;
    while ((at = came_.find(mark)) == std::string::npos && ReadMore()) {
    }
    return Take(at == std::string::npos ? came_.size() : at + mark.size());
  }
  std::string Read(std::size_t bytes) {
    while (came_.size() < bytes && ReadMore()) {
    }
    return Take(std::min(bytes, came_.size()));
  }
  std::string ReadToEnd() {
    while (ReadMore()) {
    }
    return std::exchange(came_, {});
  }
  // Whether the server ends the connection without a further byte.
  bool IsClosed() { return came_.empty() && !ReadMore(); }
  bool was_reset() const { return was_reset_; }

  ReplyForTest ReadReply(bool is_head = false) {
    ReplyForTest reply;
    reply.head = ReadThrough("\r\n\r\n");
    if (!reply.head.ends_with("\r\n\r\n")) return reply;
    reply.head.resize(reply.head.size() - 4);
    reply.status = std::stoi(reply.head.substr(9, 3));
    reply.is_whole = true;
    const std::string length = reply.Header("Content-Length");
    if (is_head || reply.status == 204 || reply.status == 304) return reply;
    if (reply.Header("Transfer-Encoding") == "chunked") {
      reply.is_whole = false;
      for (;;) {
        const std::string line = ReadThrough("\r\n");
        if (!line.ends_with("\r\n")) return reply;
        const std::size_t size = std::stoul(line, nullptr, 16);
        reply.body += Read(size);
        if (Read(2) != "\r\n") return reply;
        if (size == 0) break;
      }
      reply.is_whole = true;
    } else if (!length.empty()) {
      reply.body = Read(std::stoul(length));
      reply.is_whole = reply.body.size() == std::stoul(length);
    } else {
      reply.body = ReadToEnd();
    }
    return reply;
  }
  ReplyForTest Ask(std::string_view request) {
    Send(request);
    return ReadReply();
  }
  ReplyForTest Get(std::string_view path) {
    return Ask(fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n\r\n", path));
  }

 private:
  void Connect(const auto& address, int family, int receive_buffer_bytes) {
    FileDescriptor fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return;
    if (receive_buffer_bytes > 0) {
      setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof(receive_buffer_bytes));
    }
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      socket_ = std::move(fd);
    }
  }
  bool ReadMore() {
    pollfd polled = {fd(), POLLIN, 0};
    if (fd() < 0 || poll(&polled, 1, kPatienceMs) <= 0) {
      ADD_FAILURE() << "nothing came, nor did the connection end";
      return false;
    }
    char bytes[1 << 14];
    const ssize_t n = recv(fd(), bytes, sizeof(bytes), 0);
    was_reset_ = n < 0;
    if (n > 0) came_.append(bytes, static_cast<std::size_t>(n));
    return n > 0;
  }
  std::string Take(std::size_t bytes) {
    std::string taken = came_.substr(0, bytes);
    came_.erase(0, bytes);
    return taken;
  }

  FileDescriptor socket_;
  std::string came_;
  bool was_reset_ = false;
};

// Serves until it goes.
class ServerForTest {
 public:
  explicit ServerForTest(std::unique_ptr<HttpServer> listening)
      : server_(std::move(listening)), thread_([this] { server_->Run(); }) {}
  ServerForTest(const HttpServerOptions& options, HttpHandler handler)
      : ServerForTest(Listening(options, std::move(handler))) {}
  explicit ServerForTest(HttpHandler handler) : ServerForTest({}, std::move(handler)) {}
  ServerForTest(const ServerForTest&) = delete;
  ServerForTest& operator=(const ServerForTest&) = delete;
  ~ServerForTest() { Stop(0); }

  // One that serves nobody yet: who asks it meanwhile is heard as soon as it does.
  static std::unique_ptr<HttpServer> Listening(const HttpServerOptions& options,
                                               HttpHandler handler) {
    auto server = HttpServer::Listen(options, std::move(handler));
    KINGLET_CHECK(server.has_value(), "{}", server.error().message());
    return *std::move(server);
  }

  HttpServer* operator->() { return server_.get(); }
  std::uint16_t port() const { return server_->port(); }
  // Returns when Run has.
  void Stop(int drain_ms) {
    server_->Stop(drain_ms);
    Join();
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

// What a test waits for; Tell() from any thread.
class Event {
 public:
  void Tell() { promise_.set_value(); }
  // Whether it was told before patience ends.
  bool Wait(int patience_ms = kPatienceMs) {
    return future_.wait_for(std::chrono::milliseconds(patience_ms)) == std::future_status::ready;
  }

 private:
  std::promise<void> promise_;
  std::future<void> future_ = promise_.get_future();
};

// Waits until condition holds; false where it never does.
inline bool Eventually(const std::function<bool()>& condition) {
  const double end_ms = MonotonicMs() + kPatienceMs;
  while (!condition()) {
    if (MonotonicMs() > end_ms) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// A handler that answers at once with what it was asked.
inline void EchoForTest(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  exchange->Respond({.content_type = "text/plain",
                     .body = request.method + " " + request.path + " " + request.body});
}

}  // namespace kinglet
