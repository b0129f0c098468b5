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

// A file mapped read-only. Owns the mapping; move-only. An empty file maps to an empty span.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::filesystem::path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// The whole file, or kLimitExceeded when it holds more than max_bytes.
Result<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes);

// Writes beside path, syncs, then renames: a reader sees the old file or the new one.
Result<void> WriteFileAtomic(const std::filesystem::path& path, std::string_view content);

}  // namespace kinglet
