// SPDX-License-Identifier: Apache-2.0
// Time of use is the file's time of change: a mapping leaves no other trace that can be relied on.
#include "model/packed_cache_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/check.h"
#include "base/checksum.h"
#include "base/display.h"

namespace kinglet {
namespace {

constexpr std::string_view kSuffix = ".packed";

std::vector<std::filesystem::path> FilesWithSuffix(const std::filesystem::path& folder,
                                                   std::string_view suffix) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (it->path().string().ends_with(suffix)) files.push_back(it->path());
  }
  return files;
}

// Removes a file that is being packed unless its writer lives, and returns its bytes.
std::uint64_t RemoveIfAbandoned(const std::filesystem::path& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open() || flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return 0;
  const auto locked = IdentityOf(fd, path);
  const auto named = IdentityOf(path);
  // Its writer may have given it its final name a moment ago.
  if (!locked || !named || locked->inode != named->inode) return 0;
  return unlink(path.c_str()) == 0 ? locked->size_bytes : 0;
}

std::uint64_t RemoveAbandoned(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& path : FilesWithSuffix(folder, kPackingSuffix)) bytes += RemoveIfAbandoned(path);
  return bytes;
}

std::uint64_t FreeBytes(const std::filesystem::path& folder) {
  struct statvfs info{};
  if (statvfs(folder.c_str(), &info) != 0) return 0;
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace

Result<OpenedPackedFile> OpenPackedFile(const std::filesystem::path& path) {
  OpenedPackedFile file;
  file.fd = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.fd.is_open()) return ErrnoError(path, "open it");
  const std::uint64_t file_bytes = TRY(IdentityOf(file.fd, path)).size_bytes;
  const auto in_file = [&](const Status& status) {
    return Error(StatusCode::kInvalidInput, "{}: {}", path.string(), status.message());
  };
  std::byte prefix[kPackedPrefixBytes];
  if (const auto read = ReadAt(file.fd, 0, prefix, path); !read) return in_file(read.error());
  const Result<std::uint64_t> header_bytes = PackedHeaderBytes(prefix);
  if (!header_bytes) return in_file(header_bytes.error());
  if (*header_bytes > file_bytes) {
    return Error(StatusCode::kInvalidInput, "{}: cut short", path.string());
  }
  std::vector<std::byte> bytes(*header_bytes);
  if (const auto read = ReadAt(file.fd, 0, bytes, path); !read) return in_file(read.error());
  Result<PackedHeader> header = ReadPackedHeader(bytes);
  if (!header) return in_file(header.error());
  file.header = *std::move(header);
  file.data_offset = PackedDataOffset(*header_bytes);
  if (file_bytes < file.data_offset || file_bytes - file.data_offset != file.header.data_bytes) {
    return Error(StatusCode::kInvalidInput, "{}: {} bytes, not {} as its header says",
                 path.string(), file_bytes, file.data_offset + file.header.data_bytes);
  }
  return file;
}

bool PackedCacheEntry::stale() const {
  if (!header || header->sources.empty()) return true;
  const auto now = IdentityOf(header->source_path);
  return !now || *now != header->sources.front();
}

std::vector<PackedCacheEntry> ListPackedCache(const std::filesystem::path& folder) {
  std::vector<PackedCacheEntry> entries;
  for (const auto& path : FilesWithSuffix(folder, kSuffix)) {
    const auto identity = IdentityOf(path);
    if (!identity) continue;  // gone meanwhile, or no file
    auto file = OpenPackedFile(path);
    entries.push_back({.path = path,
                       .bytes = identity->size_bytes,
                       .last_used_ns = identity->modified_ns,
                       .header = file ? Result<PackedHeader>(std::move(file->header))
                                      : std::unexpected(file.error())});
  }
  std::ranges::sort(entries, std::ranges::greater(), &PackedCacheEntry::last_used_ns);
  return entries;
}

void MarkUsed(const FileDescriptor& fd) {
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                             {.tv_sec = 0, .tv_nsec = UTIME_NOW}};
  // A folder that another user owns serves as well, but keeps no count.
  [[maybe_unused]] const int marked = futimens(fd.get(), times);
}

Result<void> VerifyPackedFile(const std::filesystem::path& path) {
  const OpenedPackedFile file = TRY(OpenPackedFile(path));
  const MappedFile mapping = TRY(MappedFile::Map(file.fd, path));
  const std::span data = mapping.bytes().subspan(file.data_offset);
  auto digest = file.header.digests.begin();
  for (const PackedTensorRow& row : file.header.tensors) {
    const std::uint64_t piece_bytes = row.panels_a_piece() * row.panel_bytes;
    for (std::uint64_t at = 0; at < row.bytes; at += piece_bytes) {
      const auto piece = data.subspan(row.offset + at, std::min(piece_bytes, row.bytes - at));
      if (Xxh64(piece) != *digest++) {
        return Error(StatusCode::kInvalidInput, "{}: tensor {} is not what was packed",
                     path.string(), Quoted(row.name));
      }
      mapping.GiveBack(piece);
    }
  }
  return {};
}

std::uint64_t PackedCacheRoom(std::uint64_t max_bytes, std::uint64_t kept, std::uint64_t free) {
  const std::uint64_t disk = kept + free;
  return std::min(max_bytes, disk - disk / 5);
}

Result<void> MakeRoomInPackedCache(const PackedCacheOptions& options, std::uint64_t needed) {
  RemoveAbandoned(options.folder);
  const std::vector<PackedCacheEntry> entries = ListPackedCache(options.folder);
  std::uint64_t kept = 0;
  for (const PackedCacheEntry& entry : entries) kept += entry.bytes;
  const std::uint64_t free = FreeBytes(options.folder);
  const std::uint64_t room = PackedCacheRoom(options.max_bytes, kept, free);
  if (needed > room) {
    return Error(StatusCode::kLimitExceeded,
                 "{}: {} bytes of packed weights do not fit; the limit of the cache is {}, and {} "
                 "are free on the disk",
                 options.folder.string(), needed, options.max_bytes, free);
  }
  for (auto last = entries.rbegin(); last != entries.rend() && kept > room - needed; ++last) {
    if (unlink(last->path.c_str()) != 0 && errno != ENOENT) {
      return ErrnoError(last->path, "remove it");
    }
    kept -= last->bytes;
  }
  return {};
}

void RemoveSupersededPackings(const std::filesystem::path& folder, const PackedHeader& header) {
  for (const PackedCacheEntry& entry : ListPackedCache(folder)) {
    const bool superseded = entry.header && entry.header->source_path == header.source_path &&
                            entry.header->sources != header.sources;
    if (superseded) unlink(entry.path.c_str());
  }
}

Result<std::uint64_t> ClearPackedCache(const std::filesystem::path& folder) {
  std::uint64_t bytes = RemoveAbandoned(folder);
  for (const PackedCacheEntry& entry : ListPackedCache(folder)) {
    if (unlink(entry.path.c_str()) != 0 && errno != ENOENT) {
      return ErrnoError(entry.path, "remove it");
    }
    bytes += entry.bytes;
  }
  return bytes;
}

}  // namespace kinglet
