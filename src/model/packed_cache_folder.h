// SPDX-License-Identifier: Apache-2.0
// The folder of packed weights: its files listed, checked, and removed where they are too many, the
// one that was used least lately first. Any of them may go at any time: whoever has it mapped keeps
// it, and the next start packs anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "model/packed_header.h"

namespace kinglet {

inline constexpr std::uint64_t kDefaultPackedCacheBytes = 50'000'000'000;

struct PackedCacheOptions {
  std::filesystem::path folder;                        // empty: no files
  std::uint64_t max_bytes = kDefaultPackedCacheBytes;  // of all files together; 0: no files
  // Less than this is packed in memory: it is as quick to pack as to map.
  std::uint64_t min_file_bytes = std::uint64_t{4} << 20;
};

// Ends the name of a file that is being packed; who writes it holds its lock (flock).
inline constexpr std::string_view kPackingSuffix = ".packing";

struct OpenedPackedFile {
  FileDescriptor fd;
  PackedHeader header;
  std::uint64_t data_offset = 0;
};
// Reads the header alone. kInvalidInput where it is broken, or the file is not as long as it says;
// kNotFound where there is no file.
Result<OpenedPackedFile> OpenPackedFile(const std::filesystem::path& path);

struct PackedCacheEntry {
  std::filesystem::path path;
  std::uint64_t bytes = 0;        // on disk
  std::int64_t last_used_ns = 0;  // since 1970
  Result<PackedHeader> header;    // or what is wrong with it

  // Whether the model is not any more where and what it was when it was packed.
  bool stale() const;
};
// The one used last comes first. Files that are being packed are not among them.
std::vector<PackedCacheEntry> ListPackedCache(const std::filesystem::path& folder);

// The file is in use: it is the last that is evicted.
void MarkUsed(const FileDescriptor& fd);

// Holds all of the data against its digests. kInvalidInput names the tensor.
Result<void> VerifyPackedFile(const std::filesystem::path& path);

// What all files together may take: `max_bytes`, but at most four fifths of what the disk would
// have free without them. `kept`: bytes of the files there are; `free`: bytes free beside them.
std::uint64_t PackedCacheRoom(std::uint64_t max_bytes, std::uint64_t kept, std::uint64_t free);

// Removes files until `needed` more bytes fit into PackedCacheRoom, and those that processes left
// half packed. kLimitExceeded, and nothing removed, where that cannot be.
Result<void> MakeRoomInPackedCache(const PackedCacheOptions& options, std::uint64_t needed);

// Packings of what was at header.source_path before its content was replaced.
void RemoveSupersededPackings(const std::filesystem::path& folder, const PackedHeader& header);

// All files, but one that is just being packed. Returns their bytes.
Result<std::uint64_t> ClearPackedCache(const std::filesystem::path& folder);

}  // namespace kinglet
