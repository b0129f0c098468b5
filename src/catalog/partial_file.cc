// SPDX-License-Identifier: Apache-2.0
// Partial files by POSIX calls.
#include "catalog/partial_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/json.h"
#include "catalog/catalog.h"

namespace kinglet {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::uint64_t kSpareBytes = std::uint64_t{64}
                                      << 20;  // a disk is never filled to the brim
constexpr std::size_t kMaxOriginBytes = std::size_t{64} << 10;

std::unexpected<Status> Errno(const std::filesystem::path& path, std::string_view doing) {
  return Error(StatusCode::kFailed, "{}: cannot {}: {}", path.string(), doing,
               std::strerror(errno));
}

std::uint64_t Number(const json::value& object, std::string_view key) {
  const json::value* value = Find(object, key);
  const std::int64_t* number = value == nullptr ? nullptr : value->if_int64();
  return number == nullptr || *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
}

std::string Text(const json::value& object, std::string_view key) {
  const json::value* value = Find(object, key);
  return value == nullptr || !value->is_string() ? "" : std::string(value->get_string());
}

}  // namespace

Result<PartialFile> PartialFile::Open(const std::filesystem::path& path,
                                      const std::string& source) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return Error(StatusCode::kFailed, "{}: cannot make the folder: {}", path.parent_path().string(),
                 error.message());
  }
  PartialFile file;
  file.path_ = path;
  file.digest_ = std::make_unique<Sha256>();
  file.fd_ = open(file.PartialPath().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file.fd_ < 0) return Errno(file.PartialPath(), "open it");
  struct stat info{};
  if (fstat(file.fd_, &info) != 0) return Errno(file.PartialPath(), "read its size");
  file.bytes_ = static_cast<std::uint64_t>(info.st_size);
  file.ReadOrigin(source);
  return file;
}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_),
      room_checked_at_(other.room_checked_at_),
      origin_(std::move(other.origin_)),
      digest_(std::move(other.digest_)) {}

PartialFile::~PartialFile() {
  if (fd_ >= 0) close(fd_);
}

void PartialFile::ReadOrigin(const std::string& source) {
  origin_.source = source;
  const Result<std::string> text = ReadFile(OriginPath(), kMaxOriginBytes);
  if (!text) return;
  const Result<json::value> value = ParseJson(*text);
  if (!value || Text(*value, "source") != source) return;
  origin_.etag = Text(*value, "etag");
  origin_.wheels = Number(*value, "wheels");
  // Of wheels only whole ones count; from a URL every byte does.
  origin_.bytes = origin_.wheels > 0 ? Number(*value, "bytes") : bytes_;
  if (origin_.bytes > bytes_) origin_ = {.source = source};  // somebody cut it
}

Result<void> PartialFile::KeepFirst(
    std::uint64_t bytes, const std::function<Result<void>(std::uint64_t done)>& on_bytes) {
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return Errno(PartialPath(), "cut it");
  digest_ = std::make_unique<Sha256>();
  bytes_ = 0;
  room_checked_at_ = 0;
  if (lseek(fd_, 0, SEEK_SET) < 0) return Errno(PartialPath(), "read it");
  std::vector<char> piece(bytes == 0 ? 0 : kPieceBytes);
  while (bytes_ < bytes) {
    const ssize_t n = read(fd_, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Errno(PartialPath(), "read it");
    digest_->Update({piece.data(), static_cast<std::size_t>(n)});
    bytes_ += static_cast<std::uint64_t>(n);
    TRY(on_bytes(bytes_));
  }
  return {};
}

Result<void> PartialFile::MakeRoom(std::uint64_t more_bytes) const {
  struct statvfs disk{};
  if (statvfs(path_.parent_path().c_str(), &disk) != 0) return {};  // then writing will tell
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free_bytes >= kSpareBytes && free_bytes - kSpareBytes >= more_bytes) return {};
  return Error(StatusCode::kLimitExceeded,
               "no room in {}: {} more are needed and {} are free; free some, or set KINGLET_HOME",
               path_.parent_path().string(), SizeText(more_bytes), SizeText(free_bytes));
}

Result<void> PartialFile::Append(std::string_view piece) {
  // A server may send more than it told.
  if (bytes_ - room_checked_at_ >= kSpareBytes) {
    TRY(MakeRoom(piece.size()));
    room_checked_at_ = bytes_;
  }
  digest_->Update(piece);
  while (!piece.empty()) {
    const ssize_t n = write(fd_, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Errno(PartialPath(), "write it");
    piece.remove_prefix(static_cast<std::size_t>(n));
    bytes_ += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> PartialFile::Remember(const std::string& etag, std::uint64_t wheels) {
  origin_.etag = etag;
  origin_.bytes = bytes_;
  origin_.wheels = wheels;
  return WriteFileAtomic(OriginPath(), ToJson({{"source", origin_.source},
                                               {"etag", origin_.etag},
                                               {"bytes", origin_.bytes},
                                               {"wheels", origin_.wheels}}) +
                                           "\n");
}

Result<void> PartialFile::Commit() {
  if (fsync(fd_) != 0) return Errno(PartialPath(), "write it");
  if (rename(PartialPath().c_str(), path_.c_str()) != 0) return Errno(path_, "replace it");
  unlink(OriginPath().c_str());
  return {};
}

void PartialFile::Discard() {
  unlink(PartialPath().c_str());
  unlink(OriginPath().c_str());
}

}  // namespace kinglet
