// SPDX-License-Identifier: Apache-2.0
// Files and folders into a library: what is new or changed is read, several at a time, what was
// moved or is gone is noted, the rest left alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "knowledge/document_reader.h"
#include "knowledge/ingest_walk.h"
#include "knowledge/library.h"

namespace kinglet {

struct IngestOptions {
  WalkOptions walk;
  ReadOptions reading;
};

enum class IngestOutcome {
  kAdded,
  kReplaced,
  kMoved,    // the bytes of a document whose file is gone: it has a new place
  kRemoved,  // its file is gone from a folder that was given, or from an archive that was read
  kUnchanged,
  kSkipped,  // found in a folder, but nothing to read
  kFailed,
};

std::string_view Name(IngestOutcome outcome);  // "added", "replaced", ...

struct IngestEvent {
  IngestOutcome outcome = IngestOutcome::kFailed;
  std::string uri;
  std::string reason;  // why it was skipped or failed; one line, without the uri
  std::size_t index =
      0;  // of this file, or of the archive that it is in, among all that were found
  std::size_t count = 0;
};

// Told of each file after its transaction is on disk. Returns false to stop (kCancelled).
using IngestSink = std::function<bool(const IngestEvent&)>;

// By the library's policy for personal data; what was kept by another one is read again. What was
// skipped or failed is noted in the library until it is read, or gone.
//
// A file that fails is an event, and the rest goes on; an error is one of the library. Events come
// in the order of FindFiles, those of what was removed at the end. Of an archive come the events of
// its members, in their order and then those that are gone; of the file itself one comes where it
// has not changed, or could not be read to its end.
Result<void> Ingest(Library& library, std::span<const std::filesystem::path> paths,
                    const IngestOptions& options, const IngestSink& sink);

}  // namespace kinglet
