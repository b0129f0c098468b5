// SPDX-License-Identifier: Apache-2.0
// One connected socket, as plain bytes: whether TLS lies between, and what the peer has not taken
// yet, is seen here alone. Never blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "net/tls.h"

namespace kinglet {

// Not thread-safe.
class Wire {
 public:
  enum class State : std::uint8_t {
    kOpen,
    kEnded,  // the peer will send nothing more; it may still read
    kBroken,
  };

  // tls: null for a plain connection.
  Wire(FileDescriptor socket, std::unique_ptr<TlsSession> tls)
      : socket_(std::move(socket)), tls_(std::move(tls)) {}

  int fd() const { return socket_.get(); }
  bool is_encrypted() const { return tls_ != nullptr; }
  // Plain bytes may be sent: no handshake is under way.
  bool is_ready() const { return tls_ == nullptr || tls_->is_established(); }
  // A client spoke plainly where TLS is expected. What it said is read, and it can be answered.
  bool was_expected_encrypted() const { return was_expected_encrypted_; }

  // Appends what has come, at most a buffer full of the wire; nothing may have.
  State Read(std::span<char> buffer, std::string& plain);

  // Sends what the kernel takes now and keeps the rest. False: broken.
  bool Send(std::string_view plain);
  // Sends of the rest what the kernel takes now. False: broken.
  bool Flush();
  std::size_t unsent_bytes() const { return unsent_.size() - unsent_begin_; }
  std::uint64_t sent_bytes() const { return sent_bytes_; }  // ever

  // The peer sees the end of what was sent; reading goes on.
  void EndSending();
  // Whether the peer has ended its side, seen without reading what it has sent before.
  bool HasPeerEnded() const;
  // With `reset` the kernel forgets at once what the peer has not taken, and the peer is told of an
  // error instead of an end.
  void Close(bool reset);

 private:
  // Bytes that the kernel took; nothing: broken.
  std::optional<std::size_t> SendNow(std::string_view bytes);

  FileDescriptor socket_;
  std::unique_ptr<TlsSession> tls_;
  bool was_expected_encrypted_ = false;
  bool has_read_ = false;
  std::string unsent_;  // as it goes over the wire
  std::size_t unsent_begin_ = 0;
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace kinglet
