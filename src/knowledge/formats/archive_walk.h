// SPDX-License-Identifier: Apache-2.0
// One pass over the members of an archive in memory, in the order in which they lie: libarchive's
// reader, which checks what it unpacks.
#pragma once

#include <locale.h>  // uselocale is POSIX's, not C++'s

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

struct archive;
struct archive_entry;

namespace kinglet {

enum class ArchiveKind : std::uint8_t {
  kZip,
  kTar,  // as it is, or packed by gzip, bzip2, xz or zstd
};

// libarchive hands out names in the encoding of the thread's locale, and the program never sets
// one: where this is missing during a walk, names that are not ASCII are lost.
class Utf8Names {
 public:
  Utf8Names();
  ~Utf8Names();
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

class ArchiveWalk {
 public:
  // The bytes must outlive it. kInvalidInput: no such archive.
  static Result<ArchiveWalk> Begin(std::string_view bytes, ArchiveKind kind);

  // False after the last member. kInvalidInput: it is broken.
  Result<bool> Next();

  // Of the member that Next came to, as it stands there; empty where it is no text of any encoding.
  std::string_view Name() const;
  bool IsFile() const;  // no folder, link or device
  bool IsEncrypted() const;

  // Unpacks what is left of the member, piece by piece, until take returns an error, which is
  // returned. kInvalidInput with libarchive's words: it cannot be unpacked.
  Result<void> Read(const std::function<Result<void>(std::string_view)>& take);

  // After an error of Read: nothing more can be had from this walk.
  bool is_lost() const { return is_lost_; }

 private:
  struct FreeReader {
    void operator()(archive* reader) const;
  };
  ArchiveWalk();

  std::string Trouble() const;

  std::unique_ptr<archive, FreeReader> reader_;
  archive_entry* entry_ = nullptr;  // the reader's
  bool is_lost_ = false;
};

}  // namespace kinglet
