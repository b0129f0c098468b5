// SPDX-License-Identifier: Apache-2.0
// Files: mapped for reading, read whole within a limit, and written so that nobody sees half of
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kinglet {

// Owns an open file, or none; move-only.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

// The message of errno, which says what could not be done to path. kNotFound for ENOENT.
std::unexpected<Status> ErrnoError(const std::filesystem::path& path, std::string_view doing);

// What tells a file from all others, and from itself before its content was replaced.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
// kFailed where it is not a regular file.
Result<FileIdentity> IdentityOf(const std::filesystem::path& path);
Result<FileIdentity> IdentityOf(const FileDescriptor& fd, const std::filesystem::path& path);

// A file mapped read-only. Owns the mapping; move-only. An empty file maps to an empty span.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::filesystem::path& path);
  // The same of a file that is open; path is for messages.
  static Result<MappedFile> Map(const FileDescriptor& fd, const std::filesystem::path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, identity_.size_bytes}; }
  const FileIdentity& identity() const { return identity_; }  // when it was opened

  // Enters all pages into this process' table at once, which is far quicker than a fault for each;
  // reads what is not in memory yet. Only a wish.
  void Populate() const;
  // The whole pages of `part`, bytes of this mapping, leave this process' memory. When they are
  // read again they come from the file.
  void GiveBack(std::span<const std::byte> part) const;

 private:
  const std::byte* data_ = nullptr;
  FileIdentity identity_;
};

// All of `bytes` from `offset` on, whatever pieces the system takes and gives. ReadAt fails where
// the file ends before that. path is for messages.
Result<void> WriteAt(const FileDescriptor& fd, std::uint64_t offset,
                     std::span<const std::byte> bytes, const std::filesystem::path& path);
Result<void> ReadAt(const FileDescriptor& fd, std::uint64_t offset, std::span<std::byte> bytes,
                    const std::filesystem::path& path);

// The whole file, or kLimitExceeded when it holds more than max_bytes.
Result<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes);

// A file that takes the place of path once it is whole: it is written beside it, synced, then
// renamed, and a reader sees the old file or the new one. Without Finish nothing is left of it. A
// link stays one, and a file keeps who may read it. A device or a pipe is written as it is.
class ReplacementFile {
 public:
  static Result<ReplacementFile> Begin(const std::filesystem::path& path);
  ReplacementFile(ReplacementFile&& other) noexcept;
  ReplacementFile& operator=(ReplacementFile&& other) = delete;
  ~ReplacementFile();

  Result<void> Append(std::string_view content);
  Result<void> Finish();

 private:
  ReplacementFile(std::filesystem::path path, std::string temporary, FileDescriptor fd);

  std::filesystem::path path_;
  std::string temporary_;  // empty: it is in place
  FileDescriptor fd_;
};

// All of it at once.
Result<void> WriteFileAtomic(const std::filesystem::path& path, std::string_view content);

}  // namespace kinglet
