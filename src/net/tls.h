// SPDX-License-Identifier: Apache-2.0
// The server's side of TLS 1.2 and 1.3 by OpenSSL, without sockets: bytes of the wire in, plain
// bytes out, and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

struct ssl_ctx_st;
struct ssl_st;

namespace kinglet {

// One connection. Not thread-safe.
class TlsSession {
 public:
  enum class State : std::uint8_t { kOpen, kEnded, kBroken };

  // Takes what came; appends the plain bytes that are in it. to_wire, empty before, is what the
  // peer must get: the handshake, alerts. kEnded: the peer said that nothing more will come.
  State Receive(std::string_view from_wire, std::string& plain, std::string& to_wire);

  bool is_established() const;

  // Only once established. False: broken.
  bool Send(std::string_view plain, std::string& to_wire);
  // Tells the peer that this was all.
  void End(std::string& to_wire);

 private:
  friend class TlsContext;
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  explicit TlsSession(ssl_st* ssl) : ssl_(ssl) {}
  void TakeOutput(std::string& to_wire);

  std::unique_ptr<ssl_st, Free> ssl_;
};

// Certificate and key, and the terms of all sessions.
class TlsContext {
 public:
  // PEM; the certificate with those that signed it after it. kInvalidInput: one cannot be read, or
  // they do not belong together. A key with a password is refused: nobody is there to type it.
  static Result<TlsContext> Load(const std::filesystem::path& certificate,
                                 const std::filesystem::path& key);

  // Null where OpenSSL finds no memory.
  std::unique_ptr<TlsSession> NewSession() const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace kinglet
