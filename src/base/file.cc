// SPDX-License-Identifier: Apache-2.0
// Files by POSIX calls.
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/check.h"

namespace kinglet {
namespace {

constexpr int kTemporaryNames = 100;  // that are tried

// Does not wait for a writer where the path names a pipe, which is refused afterwards.
int OpenForReading(const std::filesystem::path& path) {
  return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

std::uint64_t ToUnsigned(auto number) { return static_cast<std::uint64_t>(number); }

Result<FileIdentity> IdentityOf(const struct stat& info, const std::filesystem::path& path) {
  if (!S_ISREG(info.st_mode)) {
    return Error(StatusCode::kFailed, "{}: not a regular file", path.string());
  }
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  return FileIdentity{.device = ToUnsigned(info.st_dev),
                      .inode = ToUnsigned(info.st_ino),
                      .size_bytes = ToUnsigned(info.st_size),
                      .modified_ns = info.st_mtim.tv_sec * kNsPerSecond + info.st_mtim.tv_nsec};
}

std::size_t PageBytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

std::unexpected<Status> ErrnoError(const std::filesystem::path& path, std::string_view doing) {
  const int error = errno;
  return Error(error == ENOENT ? StatusCode::kNotFound : StatusCode::kFailed, "{}: cannot {}: {}",
               path.string(), doing, std::strerror(error));
}

Result<FileIdentity> IdentityOf(const std::filesystem::path& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return ErrnoError(path, "read its size");
  return IdentityOf(info, path);
}

Result<FileIdentity> IdentityOf(const FileDescriptor& fd, const std::filesystem::path& path) {
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return ErrnoError(path, "read its size");
  return IdentityOf(info, path);
}

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const FileDescriptor fd(OpenForReading(path));
  if (!fd.is_open()) return ErrnoError(path, "open it");
  return Map(fd, path);
}

Result<MappedFile> MappedFile::Map(const FileDescriptor& fd, const std::filesystem::path& path) {
  const FileIdentity identity = TRY(IdentityOf(fd, path));
  MappedFile file;
  if (identity.size_bytes > 0) {
    void* data = mmap(nullptr, identity.size_bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (data == MAP_FAILED) return ErrnoError(path, "map it");
    // Where the system can, it then reads the file in pages of 2 MiB. Only an advice.
    (void)madvise(data, identity.size_bytes, MADV_HUGEPAGE);
    file.data_ = static_cast<const std::byte*>(data);
  }
  file.identity_ = identity;
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      identity_(std::exchange(other.identity_, FileIdentity())) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(identity_, other.identity_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), identity_.size_bytes);
}

void MappedFile::Populate() const {
#ifdef MADV_POPULATE_READ
  if (data_ == nullptr) return;
  madvise(const_cast<std::byte*>(data_), identity_.size_bytes, MADV_POPULATE_READ);
#endif
}

void MappedFile::GiveBack(std::span<const std::byte> part) const {
  KINGLET_CHECK(part.data() >= data_ && part.data() + part.size() <= data_ + bytes().size(),
                "bytes outside a mapping");
  const std::size_t page = PageBytes();
  const auto begin = static_cast<std::size_t>(part.data() - data_);
  const std::size_t first = (begin + page - 1) / page * page;
  const std::size_t last = (begin + part.size()) / page * page;
  if (first >= last) return;
  // Only advice: where it is not taken, memory stays as it is.
  madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

Result<void> WriteAt(const FileDescriptor& fd, std::uint64_t offset,
                     std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(path, "write it");
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> ReadAt(const FileDescriptor& fd, std::uint64_t offset, std::span<std::byte> bytes,
                    const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(path, "read it");
    if (n == 0) return Error(StatusCode::kFailed, "{}: ends early", path.string());
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes) {
  const FileDescriptor fd(OpenForReading(path));
  if (!fd.is_open()) return ErrnoError(path, "open it");
  const std::size_t size_bytes = TRY(IdentityOf(fd, path)).size_bytes;
  if (size_bytes > max_bytes) {
    return Error(StatusCode::kLimitExceeded, "{}: {} bytes, more than the limit of {}",
                 path.string(), size_bytes, max_bytes);
  }
  std::string content(size_bytes, '\0');
  std::size_t done = 0;
  while (done < size_bytes) {
    const ssize_t n = read(fd.get(), content.data() + done, size_bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(path, "read it");
    if (n == 0) break;  // it shrank meanwhile
    done += static_cast<std::size_t>(n);
  }
  content.resize(done);
  return content;
}

Result<ReplacementFile> ReplacementFile::Begin(const std::filesystem::path& given) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(given, error);
  const std::filesystem::path path = error ? given : real;
  struct stat there{};
  const bool is_there = stat(path.c_str(), &there) == 0;
  if (is_there && !S_ISREG(there.st_mode)) {
    FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.is_open()) return ErrnoError(path, "write it");
    return ReplacementFile(path, "", std::move(fd));
  }
  // As any new file, it may be read by whom the umask lets.
  for (int attempt = 0; attempt < kTemporaryNames; ++attempt) {
    std::string temporary = fmt::format("{}.tmp.{:08x}", path.string(), std::random_device()());
    FileDescriptor fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!fd.is_open() && errno == EEXIST) continue;
    if (!fd.is_open()) break;
    if (is_there) fchmod(fd.get(), there.st_mode & 07777U);
    return ReplacementFile(path, std::move(temporary), std::move(fd));
  }
  return ErrnoError(path, "create a file beside it");
}

ReplacementFile::ReplacementFile(std::filesystem::path path, std::string temporary,
                                 FileDescriptor fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

ReplacementFile::ReplacementFile(ReplacementFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)) {}

ReplacementFile::~ReplacementFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Result<void> ReplacementFile::Append(std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = write(fd_.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(path_, "write it");
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> ReplacementFile::Finish() {
  if (temporary_.empty()) return {};
  if (fsync(fd_.get()) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    return ErrnoError(path_, "replace it");
  }
  temporary_.clear();
  return {};
}

Result<void> WriteFileAtomic(const std::filesystem::path& path, std::string_view content) {
  ReplacementFile file = TRY(ReplacementFile::Begin(path));
  TRY(file.Append(content));
  return file.Finish();
}

}  // namespace kinglet
