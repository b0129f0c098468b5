// SPDX-License-Identifier: Apache-2.0
// Listening sockets by POSIX calls.
#include "net/listener.h"

#include <netdb.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/display.h"

namespace kinglet {
namespace {

// More than any burst that max_connections lets in; the kernel has a lower limit of its own.
constexpr int kBacklog = 1024;

struct FreeAddresses {
  void operator()(addrinfo* first) const { freeaddrinfo(first); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> Resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return Error(StatusCode::kFailed, "{} has no address: {}", Quoted(host), gai_strerror(error));
  }
  return Addresses(found);
}

// An open socket that listens, or one that is not open, with errno.
FileDescriptor Bind(const addrinfo& address) {
  FileDescriptor fd(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return fd;
  // The port is free as soon as nobody listens, whatever connections are still closing.
  const int yes = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (address.ai_family == AF_INET6) {
    const int no = 0;
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  }
  if (bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 || listen(fd.get(), kBacklog) != 0) {
    const int error = errno;  // closing may change it
    fd = FileDescriptor();
    errno = error;
  }
  return fd;
}

std::uint16_t PortOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

Result<sockaddr_un> AddressOf(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = path.native();
  if (name.size() >= sizeof(address.sun_path)) {
    return Error(StatusCode::kFailed, "{}: longer than the {} bytes that a socket's path may have",
                 Quoted(name, 200), sizeof(address.sun_path) - 1);
  }
  name.copy(address.sun_path, name.size());
  return address;
}

// The message of errno. kFailed, whatever it is: a missing folder too is the address's fault.
std::unexpected<Status> Unusable(const std::filesystem::path& path, std::string_view doing) {
  return Error(StatusCode::kFailed, "{}: cannot {}: {}", path.string(), doing,
               std::strerror(errno));
}

// Removes a socket file that nobody listens on any more, as a server leaves it that was killed.
Result<void> ClearPlace(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return Unusable(path, "look at it");
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Error(StatusCode::kFailed, "{}: there is a file that is no socket; it stays",
                 path.string());
  }
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* const target = reinterpret_cast<const sockaddr*>(&address);
  if (probe.is_open() && connect(probe.get(), target, sizeof(address)) != 0 &&
      errno == ECONNREFUSED) {
    if (unlink(path.c_str()) != 0) return Unusable(path, "remove what an earlier server left");
    return {};
  }
  return Error(StatusCode::kFailed, "{}: another server listens there", path.string());
}

}  // namespace

Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(port_, other.port_);
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

Listener::~Listener() {
  if (!socket_.is_open() || path_.empty()) return;
  struct stat info{};
  if (lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) {
    unlink(path_.c_str());
  }
}

Result<Listener> Listener::OnAddress(const std::string& host, std::uint16_t port) {
  const Addresses addresses = TRY(Resolve(host, port));
  FileDescriptor fd;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const addrinfo* a = addresses.get(); a != nullptr && !fd.is_open(); a = a->ai_next) {
      if (a->ai_family == family) fd = Bind(*a);
    }
  }
  if (!fd.is_open()) {
    return Error(StatusCode::kFailed, "cannot listen on {} port {}: {}", Quoted(host), port,
                 std::strerror(errno));
  }
  Listener listener(std::move(fd));
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&bound), &size);
  listener.port_ = PortOf(bound);
  return listener;
}

Result<Listener> Listener::OnFile(const std::filesystem::path& path) {
  const sockaddr_un address = TRY(AddressOf(path));
  TRY(ClearPlace(path, address));
  Listener listener(FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  // Linux gives the file the mode of the socket, so that it never exists with another.
  if (listener.fd() < 0 || fchmod(listener.fd(), 0600) != 0 ||
      bind(listener.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Unusable(path, "listen on it");
  }
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) return Unusable(path, "look at it");
  listener.path_ = path;
  listener.device_ = info.st_dev;
  listener.inode_ = info.st_ino;
  if (listen(listener.fd(), kBacklog) != 0) return Unusable(path, "listen on it");
  return listener;
}

std::string NameOfPeer(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), PortOf(address));
  }
  if (address.ss_family != AF_INET6) return "unix";
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    return fmt::format("{}:{}", text.data(), PortOf(address));
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), PortOf(address));
}

}  // namespace kinglet
