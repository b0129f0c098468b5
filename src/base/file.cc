// SPDX-License-Identifier: Apache-2.0
// Files by POSIX calls.
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <sys/mman.h>
#include <sys/stat.h>

namespace kinglet {
namespace {

// Closes on every path out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Status> Errno(const std::filesystem::path& path, std::string_view doing) {
  const int error = errno;
  return Error(error == ENOENT ? StatusCode::kNotFound : StatusCode::kFailed, "{}: cannot {}: {}",
               path.string(), doing, std::strerror(error));
}

// Does not wait for a writer where the path names a pipe, which is refused afterwards.
int OpenForReading(const std::filesystem::path& path) {
  return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

// The size of a regular file that is open.
Result<std::size_t> RegularFileSize(int fd, const std::filesystem::path& path) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return Errno(path, "read its size");
  if (!S_ISREG(info.st_mode)) {
    return Error(StatusCode::kFailed, "{}: not a regular file", path.string());
  }
  return static_cast<std::size_t>(info.st_size);
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const Descriptor fd(OpenForReading(path));
  if (fd.get() < 0) return Errno(path, "open it");
  MappedFile file;
  file.size_bytes_ = TRY(RegularFileSize(fd.get(), path));
  if (file.size_bytes_ == 0) return file;
  void* data = mmap(nullptr, file.size_bytes_, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) {
    file.size_bytes_ = 0;
    return Errno(path, "map it");
  }
  file.data_ = static_cast<const std::byte*>(data);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_bytes_);
}

Result<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes) {
  const Descriptor fd(OpenForReading(path));
  if (fd.get() < 0) return Errno(path, "open it");
  const std::size_t size_bytes = TRY(RegularFileSize(fd.get(), path));
  if (size_bytes > max_bytes) {
    return Error(StatusCode::kLimitExceeded, "{}: {} bytes, more than the limit of {}",
                 path.string(), size_bytes, max_bytes);
  }
  std::string content(size_bytes, '\0');
  std::size_t done = 0;
  while (done < size_bytes) {
    const ssize_t n = read(fd.get(), content.data() + done, size_bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Errno(path, "read it");
    if (n == 0) break;  // it shrank meanwhile
    done += static_cast<std::size_t>(n);
  }
  content.resize(done);
  return content;
}

Result<void> WriteFileAtomic(const std::filesystem::path& path, std::string_view content) {
  std::string temporary = path.string() + ".tmp.XXXXXX";
  const Descriptor fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (fd.get() < 0) return Errno(path, "create a file beside it");
  while (!content.empty()) {
    const ssize_t n = write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto error = Errno(path, "write it");
      unlink(temporary.c_str());
      return error;
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (fsync(fd.get()) != 0 || rename(temporary.c_str(), path.c_str()) != 0) {
    auto error = Errno(path, "replace it");
    unlink(temporary.c_str());
    return error;
  }
  return {};
}

}  // namespace kinglet
