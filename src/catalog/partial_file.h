// SPDX-License-Identifier: Apache-2.0
// A file on its way into the store: FILE.partial, hashed as it grows, with a note beside it of
// where it comes from, so that a later run goes on where this one ended. The disk is asked for room
// first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/status.h"

namespace kinglet {

// FILE.partial.json.
struct PartialOrigin {
  std::string source;       // the URL, or the wheels
  std::string etag;         // of the file behind a URL; empty: the server names none
  std::uint64_t bytes = 0;  // of what is known to be whole: all that came, or the last whole wheel
  std::uint64_t wheels = 0;
};

class PartialFile {
 public:
  // Opens or creates path + ".partial", and its folder. Empty of what another source began.
  static Result<PartialFile> Open(const std::filesystem::path& path, const std::string& source);

  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();

  // What the run before left; bytes is the size now.
  const PartialOrigin& origin() const { return origin_; }
  std::uint64_t bytes() const { return bytes_; }

  // Hashes the first `bytes` and drops the rest. Must come before Append.
  // on_bytes hears of each piece, and ends the work with an error.
  Result<void> KeepFirst(std::uint64_t bytes,
                         const std::function<Result<void>(std::uint64_t done)>& on_bytes);
  // kLimitExceeded where the disk has no room for so many more.
  Result<void> MakeRoom(std::uint64_t more_bytes) const;
  Result<void> Append(std::string_view piece);
  // Writes origin down, with the size as it is.
  Result<void> Remember(const std::string& etag, std::uint64_t wheels);

  // Of all that was kept and appended. Once.
  std::string Sha256Hex() { return digest_->Hex(); }
  // Syncs and renames to path.
  Result<void> Commit();
  // Removes the file and its note.
  void Discard();

 private:
  PartialFile() = default;
  std::filesystem::path PartialPath() const { return path_.string() + ".partial"; }
  std::filesystem::path OriginPath() const { return path_.string() + ".partial.json"; }
  void ReadOrigin(const std::string& source);

  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
  std::uint64_t room_checked_at_ = 0;
  PartialOrigin origin_;
  std::unique_ptr<Sha256> digest_;
};

}  // namespace kinglet
