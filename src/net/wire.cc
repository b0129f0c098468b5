// SPDX-License-Identifier: Apache-2.0
// recv and send, and OpenSSL where the connection is encrypted.
#include "net/wire.h"

#include <poll.h>

#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace kinglet {
namespace {

constexpr char kTlsHandshake = 0x16;  // the first byte of every TLS connection
constexpr std::size_t kKeptCapacity = std::size_t{16} << 10;

bool MayTryAgain() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

Wire::State StateOf(TlsSession::State state) {
  switch (state) {
    case TlsSession::State::kOpen:
      return Wire::State::kOpen;
    case TlsSession::State::kEnded:
      return Wire::State::kEnded;
    default:
      return Wire::State::kBroken;
  }
}

}  // namespace

std::optional<std::size_t> Wire::SendNow(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const std::string_view rest = bytes.substr(sent);
    const ssize_t n = send(fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && MayTryAgain()) break;
    if (n < 0) return std::nullopt;
    sent += static_cast<std::size_t>(n);
  }
  sent_bytes_ += sent;
  return sent;
}

Wire::State Wire::Read(std::span<char> buffer, std::string& plain) {
  const ssize_t n = recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n == 0) return State::kEnded;
  if (n < 0) return MayTryAgain() ? State::kOpen : State::kBroken;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
  if (tls_ != nullptr && !has_read_ && bytes[0] != kTlsHandshake) {
    tls_ = nullptr;
    was_expected_encrypted_ = true;
  }
  has_read_ = true;
  if (tls_ == nullptr) {
    plain += bytes;
    return State::kOpen;
  }
  std::string to_wire;
  const TlsSession::State state = tls_->Receive(bytes, plain, to_wire);
  unsent_ += to_wire;
  return Flush() ? StateOf(state) : State::kBroken;
}

bool Wire::Send(std::string_view plain) {
  if (tls_ != nullptr) {
    if (!tls_->Send(plain, unsent_)) return false;
    return Flush();
  }
  if (unsent_bytes() > 0) {
    unsent_ += plain;
    return Flush();
  }
  const auto sent = SendNow(plain);
  if (!sent) return false;
  unsent_ += plain.substr(*sent);
  return true;
}

bool Wire::Flush() {
  if (unsent_bytes() == 0) return true;
  const auto sent = SendNow(std::string_view(unsent_).substr(unsent_begin_));
  if (!sent) return false;
  unsent_begin_ += *sent;
  if (unsent_bytes() == 0) {
    unsent_.clear();
    unsent_begin_ = 0;
    if (unsent_.capacity() > kKeptCapacity) unsent_.shrink_to_fit();
  } else if (unsent_begin_ > unsent_.size() / 2) {
    unsent_.erase(0, unsent_begin_);
    unsent_begin_ = 0;
  }
  return true;
}

void Wire::EndSending() {
  if (tls_ != nullptr) {
    tls_->End(unsent_);
    Flush();
  }
  shutdown(fd(), SHUT_WR);
}

bool Wire::HasPeerEnded() const {
  pollfd polled = {fd(), POLLRDHUP, 0};
  return poll(&polled, 1, 0) > 0;
}

void Wire::Close(bool reset) {
  if (reset && socket_.is_open()) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  socket_ = FileDescriptor();
  tls_ = nullptr;
  unsent_ = {};
  unsent_begin_ = 0;
}

}  // namespace kinglet
