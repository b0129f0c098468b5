// SPDX-License-Identifier: Apache-2.0
// The door to archives: a process apart unpacks one, and sends its members one after the other.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/archive.h"
#include "knowledge/document_reader.h"

namespace kinglet {

// As UnpackArchive, of a file. While the sink works the other process waits, so that no more than a
// member is held. timeout_ms is how long it may send nothing. An error is the archive's; members
// that were sent before it are sound.
Result<void> ReadArchive(const std::filesystem::path& path, ArchiveKind kind,
                         const WalkOptions& walk, const ReadOptions& options,
                         const MemberSink& sink);

// The same of one that is in memory.
Result<void> ReadArchiveBytes(std::string_view bytes, ArchiveKind kind, const WalkOptions& walk,
                              const ReadOptions& options, const MemberSink& sink);

// What decides which members are read, as one line: the other process is told by it, and where it
// is the same the same members are.
std::string SelectionOf(const WalkOptions& walk);

// The other side: unpacks standard input to standard output. Gives up what it does not need before
// it reads.
Result<void> ServeArchive(std::string_view kind, std::string_view selection);

}  // namespace kinglet
