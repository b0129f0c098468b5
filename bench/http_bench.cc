// SPDX-License-Identifier: Apache-2.0
// What the HTTP server adds to an answer, over loopback: an empty GET on a connection that stays,
// and a piece of a stream from Write to the client. http_bench [ROUNDS]
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/http_server.h"

namespace kinglet {
namespace {

FileDescriptor ConnectTo(std::uint16_t port) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  KINGLET_CHECK(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0,
                "port {}", port);
  return fd;
}

void Send(const FileDescriptor& fd, std::string_view bytes) {
  KINGLET_CHECK(send(fd.get(), bytes.data(), bytes.size(), 0) == ssize_t(bytes.size()), "send");
}

// Reads until what came holds `mark`, and keeps what follows it.
void ReadThrough(const FileDescriptor& fd, std::string_view mark, std::string& came) {
  char bytes[4096];
  std::size_t at = 0;
  while ((at = came.find(mark)) == std::string::npos) {
    const ssize_t n = recv(fd.get(), bytes, sizeof(bytes), 0);
    KINGLET_CHECK(n > 0, "the server has closed");
    came.append(bytes, static_cast<std::size_t>(n));
  }
  came.erase(0, at + mark.size());
}

void Report(const char* name, std::vector<double> ms) {
  std::ranges::sort(ms);
  const auto at_us = [&](double share) {
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))] * 1e3;
  };
  fmt::print("{}: median {:.0f} us, p90 {:.0f} us, p99 {:.0f} us, least {:.0f} us\n", name,
             at_us(0.5), at_us(0.9), at_us(0.99), at_us(0));
}

int Bench(int rounds) {
  std::atomic<double> written_ms = 0;
  const auto handler = [&](const HttpRequest& request,
                           const std::shared_ptr<HttpExchange>& exchange) {
    if (request.path == "/") return exchange->Respond({});
    exchange->Begin(200, "text/event-stream", {});
    for (int i = 0; i < rounds; ++i) {
      written_ms = MonotonicMs();
      exchange->Write("data: {}\n\n");
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    exchange->End();
  };
  const auto server = HttpServer::Listen({}, handler);
  KINGLET_CHECK(server.has_value(), "{}", server.error().message());
  std::thread thread([&server] { (*server)->Run(); });

  const FileDescriptor fd = ConnectTo((*server)->port());
  std::string came;
  std::vector<double> ms;
  for (int i = 0; i < rounds; ++i) {
    const double begin_ms = MonotonicMs();
    Send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ReadThrough(fd, "\r\n\r\n", came);
    ms.push_back(MonotonicMs() - begin_ms);
  }
  Report("empty GET", std::move(ms));
  ms.clear();
  Send(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  ReadThrough(fd, "\r\n\r\n", came);
  for (int i = 0; i < rounds; ++i) {
    ReadThrough(fd, "\n\n\r\n", came);
    ms.push_back(MonotonicMs() - written_ms);
  }
  Report("piece of a stream", std::move(ms));
  (*server)->Stop(0);
  thread.join();
  return 0;
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  int rounds = 5000;
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), rounds);
  return kinglet::Bench(std::max(rounds, 1));
}
