// SPDX-License-Identifier: Apache-2.0
// An archive as a folder: each member that is to be read with its bytes, one at a time, within
// limits. Nothing is written anywhere. Runs where a hostile archive can do no harm
// (archive_reader.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/archive_name.h"
#include "knowledge/extractor.h"
#include "knowledge/ingest_walk.h"

namespace kinglet {

struct ArchiveLimits {
  std::size_t members = 100'000;
  std::size_t member_bytes = ExtractLimits().file_bytes;  // of one, unpacked
  // Of a zip archive: behind each its list is read once more.
  std::size_t damaged_members = 100;
  // Of all that is unpacked; and of that of an archive which unpacks to that many times its size,
  // which hardly anything does that was not made to.
  std::uint64_t total_bytes = std::uint64_t{8} << 30;
  std::uint64_t ratio = 200;
  std::uint64_t suspect_bytes = std::uint64_t{256} << 20;
};

struct ArchiveMember {
  enum class Fate : std::uint8_t {
    kRead,     // content: its bytes
    kRefused,  // content: why; its path may be any bytes
    kSkipped,  // no format has its suffix
    kLeftOut,  // by the options
  };
  Fate fate = Fate::kRead;
  std::string path;  // as MemberPath has it
  std::string content;
};

// Returns false to stop (kCancelled).
using MemberSink = std::function<bool(ArchiveMember)>;

// Members in the order in which they lie; folders, links and devices are passed over, and so are
// links that the options would follow. A member that cannot be unpacked is refused, and the rest
// goes on. kInvalidInput: the archive is broken, and what comes behind is lost. kLimitExceeded: a
// bomb, or too much. Two members may have one path.
Result<void> UnpackArchive(std::string_view bytes, ArchiveKind kind, const WalkOptions& options,
                           const ArchiveLimits& limits, const MemberSink& sink);

}  // namespace kinglet
