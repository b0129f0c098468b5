// SPDX-License-Identifier: Apache-2.0
// Reading, waiting and the order of answers. Nothing here blocks.
#include "net/http_connection.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/clock.h"
#include "net/http_answer.h"

namespace kinglet {
namespace {

using boost::system::error_code;
using Descriptor = boost::asio::posix::stream_descriptor;

// Of requests that a client sends before it has its answer. Beyond it nothing is read until then.
constexpr std::size_t kMaxPendingBytes = std::size_t{64} << 10;
constexpr std::size_t kKeptCapacity = std::size_t{16} << 10;

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr int kPeekMs = 20;

std::chrono::steady_clock::time_point TimeOf(double monotonic_ms) {
  const std::chrono::duration<double, std::milli> since_epoch(monotonic_ms);
  return std::chrono::steady_clock::time_point(
      std::chrono::ceil<std::chrono::steady_clock::duration>(since_epoch));
}

}  // namespace

HttpConnection::HttpConnection(boost::asio::io_context& io, HttpConnectionOwner& owner,
                               std::shared_ptr<const HttpServerOptions> options, HttpPeer peer)
    : owner_(owner),
      options_(std::move(options)),
      peer_(std::move(peer)),
      io_(io),
      timer_(io),
      parser_({.max_header_bytes = options_->max_header_bytes,
               .max_body_bytes = options_->max_body_bytes}),
      phase_deadline_ms_(kNever),
      write_deadline_ms_(kNever),
      peek_ms_(kNever),
      armed_ms_(kNever) {}

void HttpConnection::Start(Wire wire) {
  is_encrypted_ = wire.is_encrypted();
  const int fd = wire.fd();
  const auto wake = [weak = weak_from_this(), &io = io_] {
    boost::asio::post(io, [weak] {
      const auto self = weak.lock();
      if (self) self->Guarded([&self] { self->Settle(); });
    });
  };
  outlet_ = std::make_shared<HttpOutlet>(std::move(wire), options_, wake);
  descriptor_ = std::make_unique<Descriptor>(io_, fd);
  const int first_ms = is_encrypted_ ? options_->header_timeout_ms : options_->idle_timeout_ms;
  Enter(is_encrypted_ ? Phase::kHandshake : Phase::kIdle, MonotonicMs() + first_ms);
  WaitToRead();
  ArmTimer();
}

void HttpConnection::Guarded(const std::function<void()>& step) {
  if (!is_open()) return;
  try {
    step();
  } catch (...) {
    Close(false);
  }
}

void HttpConnection::Drain() {
  is_draining_ = true;
  outlet_->Drain();
  if (phase_ == Phase::kHandshake || phase_ == Phase::kIdle) Close(false);
}

// A surplus connection has little time for everything.
void HttpConnection::Enter(Phase phase, double deadline_ms) {
  phase_ = phase;
  phase_deadline_ms_ = deadline_ms;
  if (peer_.is_surplus && deadline_ms != kNever) {
    phase_deadline_ms_ = std::min(deadline_ms, MonotonicMs() + options_->farewell_ms);
  }
}

void HttpConnection::WaitToRead() {
  if (!is_open() || is_waiting_to_read_ || has_ended_) return;
  if (phase_ == Phase::kAnswering && pending_.size() >= kMaxPendingBytes) {
    peek_ms_ = MonotonicMs() + kPeekMs;
    return;
  }
  is_waiting_to_read_ = true;
  descriptor_->async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code) {
    self->is_waiting_to_read_ = false;
    self->Guarded([&self] { self->OnReadable(); });
  });
}

void HttpConnection::WaitToWrite() {
  if (is_waiting_to_write_) return;
  is_waiting_to_write_ = true;
  descriptor_->async_wait(Descriptor::wait_write, [self = shared_from_this()](error_code) {
    self->is_waiting_to_write_ = false;
    self->Guarded([&self] {
      self->outlet_->Flush();
      self->Settle();
    });
  });
}

void HttpConnection::OnReadable() {
  const Wire::State state = outlet_->Read(owner_.read_buffer(), pending_);
  read_ms_ = MonotonicMs();
  if (state == Wire::State::kBroken) return Close(false);
  has_ended_ = state == Wire::State::kEnded;
  Proceed();
}

// Does what the bytes that have come ask for, as far as it is their turn.
void HttpConnection::Proceed() {
  if (phase_ == Phase::kHandshake && outlet_->IsReady()) {
    Enter(Phase::kIdle, MonotonicMs() + options_->idle_timeout_ms);
  }
  if (phase_ == Phase::kIdle || phase_ == Phase::kReading) ReadRequest();
  if (phase_ == Phase::kLingering) pending_.clear();
  if (is_open() && has_ended_) OnPeerEnd();
  if (!is_open()) return;
  WaitToRead();
  ArmTimer();
}

void HttpConnection::ReadRequest() {
  if (is_encrypted_ && outlet_->WasExpectedEncrypted()) {
    return Refuse(400, "this port speaks HTTPS", parser_.framing());
  }
  pending_.erase(0, parser_.Feed(pending_));
  if (!HoldBody(parser_.body_bytes())) {
    return Refuse(503, "there are too many long requests", parser_.framing());
  }
  switch (parser_.state()) {
    case HttpParser::State::kBetween:
      return;
    case HttpParser::State::kHead:
      if (phase_ == Phase::kIdle) {
        Enter(Phase::kReading, MonotonicMs() + options_->header_timeout_ms);
      }
      return;
    case HttpParser::State::kBody:
      Enter(Phase::kReading, MonotonicMs() + options_->body_timeout_ms);
      if (parser_.wants_continue() && !std::exchange(has_sent_continue_, true)) {
        outlet_->Send(kContinue);
      }
      return;
    case HttpParser::State::kWhole:
      return HandOver();
    case HttpParser::State::kRefused:
      return Refuse(parser_.fault().status, parser_.fault().message, parser_.framing());
  }
}

bool HttpConnection::HoldBody(std::size_t bytes) {
  if (!owner_.CountBodyBytes(body_bytes_, bytes)) return false;
  body_bytes_ = bytes;
  return true;
}

void HttpConnection::HandOver() {
  const HttpFraming framing = parser_.framing();
  HttpRequest request = parser_.Take();
  has_sent_continue_ = false;
  if (peer_.is_surplus) return Refuse(503, "there are too many connections", framing);
  request.remote = peer_.name;
  request.encrypted = is_encrypted_;
  request.over_unix_socket = peer_.over_unix_socket;
  request.received_ms = read_ms_;
  Enter(Phase::kAnswering, kNever);
  owner_.Handle(std::move(request), outlet_->Open(framing, has_ended_));
}

void HttpConnection::Refuse(int status, std::string_view message, const HttpFraming& framing) {
  Enter(Phase::kAnswering, kNever);
  outlet_->Refuse(status, message, framing);
  Settle();
}

void HttpConnection::OnPeerEnd() {
  // Where an answer is under way it may still be read: see HttpExchange.
  if (phase_ != Phase::kAnswering || !outlet_->OnClientLeft()) Close(false);
}

// Looks at what became of the answer, here or on another thread.
void HttpConnection::Settle() {
  if (!is_open()) return;
  const HttpOutlet::Standing standing = outlet_->Look();
  if (standing.is_broken) return Close(true);
  if (standing.unsent_bytes > 0) {
    if (write_deadline_ms_ == kNever) {
      write_deadline_ms_ = MonotonicMs() + options_->write_timeout_ms;
      sent_bytes_ = standing.sent_bytes;
    }
    WaitToWrite();
    return ArmTimer();
  }
  write_deadline_ms_ = kNever;
  if (phase_ != Phase::kAnswering || !standing.is_answered) return;
  if (standing.is_cut_short) return Close(standing.ends_with_connection);
  if (!standing.keep_alive) return Linger();
  NextRequest();
}

void HttpConnection::NextRequest() {
  HoldBody(0);
  peek_ms_ = kNever;
  if (pending_.empty() && pending_.capacity() > kKeptCapacity) pending_.shrink_to_fit();
  Enter(Phase::kIdle, MonotonicMs() + options_->idle_timeout_ms);
  Proceed();
  if (is_open() && is_draining_ && phase_ == Phase::kIdle) Close(false);
}

// A client that still sends gets a reset in place of the answer if the socket closes at once.
void HttpConnection::Linger() {
  outlet_->EndSending();
  if (has_ended_) return Close(false);
  peek_ms_ = kNever;
  pending_ = {};
  Enter(Phase::kLingering, MonotonicMs() + options_->farewell_ms);
  WaitToRead();
  ArmTimer();
}

void HttpConnection::Close(bool reset) {
  if (!is_open()) return;
  const auto self = shared_from_this();  // the owner may hold the last
  descriptor_->release();
  descriptor_.reset();
  timer_.cancel();
  outlet_->Close(reset);
  HoldBody(0);
  owner_.Forget(*this);
}

void HttpConnection::ArmTimer() {
  const double at_ms = std::min({phase_deadline_ms_, write_deadline_ms_, peek_ms_});
  // One that goes off too early looks again; most deadlines are put off long before they come.
  if (!is_open() || at_ms >= armed_ms_) return;
  armed_ms_ = at_ms;
  timer_.expires_at(TimeOf(at_ms));
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->Guarded([&self] { self->OnTimer(); });
  });
}

void HttpConnection::OnTimer() {
  armed_ms_ = kNever;
  const double now_ms = MonotonicMs();
  if (now_ms >= write_deadline_ms_) CheckWriting(now_ms);
  if (is_open() && now_ms >= peek_ms_) CheckPeer(now_ms);
  if (is_open() && now_ms >= phase_deadline_ms_) OnDeadline();
  ArmTimer();
}

void HttpConnection::OnDeadline() {
  if (phase_ != Phase::kReading) return Close(false);
  const bool is_head = parser_.state() == HttpParser::State::kHead;
  Refuse(408, is_head ? "the header took too long" : "the body took too long", parser_.framing());
}

void HttpConnection::CheckWriting(double now_ms) {
  const HttpOutlet::Standing standing = outlet_->Look();
  if (standing.unsent_bytes > 0 && standing.sent_bytes == sent_bytes_) return Close(true);
  const bool waits = standing.unsent_bytes > 0;
  write_deadline_ms_ = waits ? now_ms + options_->write_timeout_ms : kNever;
  sent_bytes_ = standing.sent_bytes;
}

void HttpConnection::CheckPeer(double now_ms) {
  peek_ms_ = now_ms + kPeekMs;
  if (!outlet_->HasPeerEnded()) return;
  peek_ms_ = kNever;
  OnPeerEnd();
}

}  // namespace kinglet
