// SPDX-License-Identifier: Apache-2.0
// Who is let in, and how the server ends.
#include "net/http_server.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <list>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/handler_threads.h"
#include "net/http_connection.h"
#include "net/listener.h"
#include "net/tls.h"

namespace kinglet {
namespace {

using boost::system::error_code;
using Descriptor = boost::asio::posix::stream_descriptor;

constexpr std::size_t kReadBufferBytes = std::size_t{64} << 10;
constexpr int kMaxAcceptsInARow = 64;  // before connections that are open have their turn
constexpr std::chrono::milliseconds kAcceptPause(50);  // after the process ran out of descriptors
// Connections that hear 503 at one time; others hear nothing.
constexpr std::size_t kMaxSurplus = 64;

// A listener, as far as the network thread waits for it.
struct Door {
  Door(boost::asio::io_context& io, Listener&& open, const TlsContext* terms)
      : listener(std::move(open)), tls(terms), descriptor(io, listener.fd()), pause(io) {}
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door() { descriptor.release(); }  // the listener owns the socket

  Listener listener;
  const TlsContext* tls;  // null: plain
  Descriptor descriptor;
  boost::asio::steady_timer pause;
};

class AsioHttpServer final : public HttpServer, public HttpConnectionOwner {
 public:
  AsioHttpServer(const HttpServerOptions& options, HttpHandler handler)
      : options_(std::make_shared<HttpServerOptions>(options)),
        read_buffer_(kReadBufferBytes),
        drain_timer_(io_),
        work_(boost::asio::make_work_guard(io_)),
        threads_(options.worker_threads, handler),
        quick_(options.never_waits ? 1 : 0, std::move(handler)) {}
  AsioHttpServer(const AsioHttpServer&) = delete;
  AsioHttpServer& operator=(const AsioHttpServer&) = delete;
  ~AsioHttpServer() override = default;

  Result<void> OpenDoors();

  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return connections_; }
  void Run() override;
  void Stop(int drain_ms) override;

 private:
  void Handle(HttpRequest request, std::shared_ptr<ServedExchange> exchange) override {
    const bool is_quick = options_->never_waits && options_->never_waits(request);
    (is_quick ? quick_ : threads_).Add(std::move(request), std::move(exchange));
  }
  void Forget(HttpConnection& connection) override;
  std::span<char> read_buffer() override { return read_buffer_; }
  bool CountBodyBytes(std::size_t before, std::size_t now) override;

  void WaitAtDoor(Door& door);
  void LetIn(Door& door);
  void Meet(const Door& door, FileDescriptor socket, const sockaddr_storage& address);
  void Open(Wire wire, HttpPeer peer);
  void BeginStop(int drain_ms);
  void CutAll();
  void EndIfEmpty();
  std::vector<std::shared_ptr<HttpConnection>> OpenConnections() const;

  const std::shared_ptr<const HttpServerOptions> options_;
  std::vector<char> read_buffer_;
  std::optional<TlsContext> tls_;
  std::uint16_t port_ = 0;

  // What follows belongs to the network thread.
  boost::asio::io_context io_{1};
  std::list<Door> doors_;
  boost::asio::steady_timer drain_timer_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::unordered_set<std::shared_ptr<HttpConnection>> open_;
  std::size_t served_ = 0;
  std::size_t surplus_ = 0;
  std::size_t body_bytes_ = 0;  // of all connections
  bool is_stopping_ = false;

  std::atomic<std::size_t> connections_ = 0;  // served_, for others
  HandlerThreads threads_;
  HandlerThreads quick_;  // of those that never wait
};

Result<void> AsioHttpServer::OpenDoors() {
  const HttpServerOptions& options = *options_;
  if (options.host.empty() && options.unix_socket.empty()) {
    return Error(StatusCode::kUsage, "there is neither a host nor a socket file to listen on");
  }
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return Error(StatusCode::kUsage, "TLS needs a certificate and a key");
  }
  if (!options.tls_certificate.empty()) {
    tls_ = TRY(TlsContext::Load(options.tls_certificate, options.tls_key));
  }
  if (!options.host.empty()) {
    Listener listener = TRY(Listener::OnAddress(options.host, options.port));
    port_ = listener.port();
    doors_.emplace_back(io_, std::move(listener), tls_ ? &*tls_ : nullptr);
  }
  if (!options.unix_socket.empty()) {
    doors_.emplace_back(io_, TRY(Listener::OnFile(options.unix_socket)), nullptr);
  }
  return {};
}

void AsioHttpServer::Run() {
  boost::asio::post(io_, [this] {
    for (Door& door : doors_) WaitAtDoor(door);
  });
  for (;;) {
    try {
      io_.run();
      break;
    } catch (...) {  // NOLINT(bugprone-empty-catch): no memory for one step; the others go on
    }
  }
  threads_.Join();
  quick_.Join();
}

void AsioHttpServer::Stop(int drain_ms) {
  boost::asio::post(io_, [this, drain_ms] { BeginStop(drain_ms); });
}

void AsioHttpServer::BeginStop(int drain_ms) {
  const auto cut_at = std::chrono::steady_clock::now() + std::chrono::milliseconds(drain_ms);
  if (!is_stopping_ || cut_at < drain_timer_.expiry()) {
    drain_timer_.expires_at(cut_at);
    drain_timer_.async_wait([this](error_code error) {
      if (!error) CutAll();
    });
  }
  is_stopping_ = true;
  doors_.clear();
  for (const auto& connection : OpenConnections()) connection->Drain();
  EndIfEmpty();
}

void AsioHttpServer::CutAll() {
  for (const auto& connection : OpenConnections()) connection->Cut();
}

void AsioHttpServer::EndIfEmpty() {
  if (!is_stopping_ || !open_.empty()) return;
  drain_timer_.cancel();
  work_.reset();
}

// A copy: those that close leave the set.
std::vector<std::shared_ptr<HttpConnection>> AsioHttpServer::OpenConnections() const {
  return {open_.begin(), open_.end()};
}

void AsioHttpServer::Forget(HttpConnection& connection) {
  if (open_.erase(connection.shared_from_this()) == 0) return;
  --(connection.is_surplus() ? surplus_ : served_);
  connections_ = served_;
  EndIfEmpty();
}

bool AsioHttpServer::CountBodyBytes(std::size_t before, std::size_t now) {
  const std::size_t in_all = body_bytes_ - before + now;
  if (now > before && in_all > options_->max_body_bytes_in_all) return false;
  body_bytes_ = in_all;
  return true;
}

void AsioHttpServer::WaitAtDoor(Door& door) {
  door.descriptor.async_wait(Descriptor::wait_read, [this, &door](error_code error) {
    if (!error && !is_stopping_) LetIn(door);
  });
}

void AsioHttpServer::LetIn(Door& door) {
  for (int i = 0; i < kMaxAcceptsInARow; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    FileDescriptor socket(accept4(door.listener.fd(), reinterpret_cast<sockaddr*>(&address), &size,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.is_open()) {
      Meet(door, std::move(socket), address);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The client still waits, so the kernel would say at once that there is somebody.
      door.pause.expires_after(kAcceptPause);
      door.pause.async_wait([this, &door](error_code error) {
        if (!error && !is_stopping_) LetIn(door);
      });
      return;
    }
    // All else is of the connection that was not to be: accept(2).
  }
  WaitAtDoor(door);
}

void AsioHttpServer::Meet(const Door& door, FileDescriptor socket,
                          const sockaddr_storage& address) {
  const bool is_surplus = served_ >= options_->max_connections;
  if (is_surplus && surplus_ >= kMaxSurplus) return;
  const bool over_unix_socket = door.listener.is_on_file();
  if (!over_unix_socket) {
    const int yes = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    // What the kernel holds counts too: a client whose machine has vanished takes nothing of it.
    const int timeout_ms = options_->write_timeout_ms;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
  }
  std::unique_ptr<TlsSession> session;
  if (door.tls != nullptr) {
    session = door.tls->NewSession();
    if (session == nullptr) return;
  }
  Open(Wire(std::move(socket), std::move(session)), {.name = NameOfPeer(address),
                                                     .over_unix_socket = over_unix_socket,
                                                     .is_surplus = is_surplus});
}

void AsioHttpServer::Open(Wire wire, HttpPeer peer) {
  std::shared_ptr<HttpConnection> connection;
  try {
    connection = std::make_shared<HttpConnection>(io_, *this, options_, std::move(peer));
    open_.insert(connection);
    ++(connection->is_surplus() ? surplus_ : served_);
    connection->Start(std::move(wire));
  } catch (...) {  // no memory, or the kernel has no place for it: the client sees it close
    if (connection == nullptr) return;
    connection->Cut();
    Forget(*connection);  // where it had not got as far as to do so itself
  }
  connections_ = served_;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(const HttpServerOptions& options,
                                                       HttpHandler handler) {
  KINGLET_CHECK(options.worker_threads > 0, "{} worker threads", options.worker_threads);
  try {
    auto server = std::make_unique<AsioHttpServer>(options, std::move(handler));
    TRY(server->OpenDoors());
    return server;
  } catch (const std::exception& error) {
    return Error(StatusCode::kFailed, "cannot start the server: {}", error.what());
  }
}

}  // namespace kinglet
