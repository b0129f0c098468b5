// SPDX-License-Identifier: Apache-2.0
// Sockets that listen: on an address, or on a file of this machine that is made and removed with
// care, since another program's may stand in its place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "base/file.h"
#include "base/status.h"

namespace kinglet {

// Never blocks. Its file, if it has one, goes with it, unless another has taken the place.
class Listener {
 public:
  // The first address of the host that can be bound, IPv4 before IPv6. "::" takes IPv4 too. port 0:
  // one that is free.
  static Result<Listener> OnAddress(const std::string& host, std::uint16_t port);
  // A file with mode 0600. A socket file on which nobody listens is replaced, and nothing else.
  static Result<Listener> OnFile(const std::filesystem::path& path);

  Listener(Listener&& other) noexcept = default;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

  int fd() const { return socket_.get(); }
  std::uint16_t port() const { return port_; }  // 0: on a file
  bool is_on_file() const { return !path_.empty(); }

 private:
  explicit Listener(FileDescriptor socket) : socket_(std::move(socket)) {}

  FileDescriptor socket_;
  std::uint16_t port_ = 0;
  std::filesystem::path path_;
  std::uint64_t device_ = 0;  // of the file that was made
  std::uint64_t inode_ = 0;
};

// "127.0.0.1:4711", "[::1]:4711"; "unix" for a peer on this machine's file. IPv4 inside of IPv6 is
// shown as IPv4.
std::string NameOfPeer(const sockaddr_storage& address);

}  // namespace kinglet
