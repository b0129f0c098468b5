// SPDX-License-Identifier: Apache-2.0
// One connection, as the network thread sees it: which request is read, which time runs, and when
// the next request has its turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/http_outlet.h"
#include "net/http_parser.h"
#include "net/http_server.h"

namespace kinglet {

class HttpConnection;

// What a connection needs of its server.
class HttpConnectionOwner {
 public:
  virtual void Handle(HttpRequest request, std::shared_ptr<ServedExchange> exchange) = 0;
  virtual void Forget(HttpConnection& connection) = 0;  // it has closed
  virtual std::span<char> read_buffer() = 0;            // of the network thread
  // A connection that held a body of `before` bytes wants to hold `now`. False: that is too much
  // with what the others hold, and nothing is counted. Fewer are always right.
  virtual bool CountBodyBytes(std::size_t before, std::size_t now) = 0;

 protected:
  ~HttpConnectionOwner() = default;
};

struct HttpPeer {
  std::string name;  // HttpRequest::remote
  bool over_unix_socket = false;
  bool is_surplus = false;  // one too many: it is told so, and no more
};

// Of the network thread alone; what is shared with other threads is the outlet.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(boost::asio::io_context& io, HttpConnectionOwner& owner,
                 std::shared_ptr<const HttpServerOptions> options, HttpPeer peer);

  void Start(Wire wire);
  // No request after the one that is under way.
  void Drain();
  void Cut() { Close(false); }
  bool is_surplus() const { return peer_.is_surplus; }

 private:
  enum class Phase : std::uint8_t {
    kHandshake,
    kIdle,
    kReading,
    kAnswering,
    kLingering,  // all is said; waits for the client to close
  };

  // Runs a step; an exception (no memory) closes the connection.
  void Guarded(const std::function<void()>& step);
  void WaitToRead();
  void WaitToWrite();
  void OnReadable();
  void Proceed();
  void ReadRequest();
  bool HoldBody(std::size_t bytes);
  void HandOver();
  void Refuse(int status, std::string_view message, const HttpFraming& framing);
  void OnPeerEnd();
  void Settle();
  void NextRequest();
  void Linger();
  void Close(bool reset);

  void Enter(Phase phase, double deadline_ms);
  void ArmTimer();
  void OnTimer();
  void OnDeadline();
  void CheckWriting(double now_ms);
  void CheckPeer(double now_ms);

  bool is_open() const { return descriptor_ != nullptr; }

  HttpConnectionOwner& owner_;
  const std::shared_ptr<const HttpServerOptions> options_;
  const HttpPeer peer_;
  boost::asio::io_context& io_;
  // Borrows the wire's; there while the connection is open.
  std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<HttpOutlet> outlet_;

  Phase phase_ = Phase::kIdle;
  HttpParser parser_;
  std::string pending_;         // came, but is not parsed: its turn has not come
  std::size_t body_bytes_ = 0;  // of the request that is read or answered, as the owner counts it
  double read_ms_ = 0;          // when bytes came last
  bool is_encrypted_ = false;
  bool is_waiting_to_read_ = false;
  bool is_waiting_to_write_ = false;
  bool has_sent_continue_ = false;
  bool has_ended_ = false;  // the client will send nothing more
  bool is_draining_ = false;

  // Moments of MonotonicMs, or never.
  double phase_deadline_ms_;
  double write_deadline_ms_;
  double peek_ms_;                // when to look whether the client is there though nothing is read
  double armed_ms_;               // when the timer goes off
  std::uint64_t sent_bytes_ = 0;  // when the write deadline was set
};

}  // namespace kinglet
