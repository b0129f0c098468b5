// SPDX-License-Identifier: Apache-2.0
// One thread speaks to the library and looks at the files in order; others read ahead of it.
#include "knowledge/ingest.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <future>
#include <optional>
#include <set>

#include <sys/stat.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "knowledge/archive_name.h"
#include "knowledge/archive_reader.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

// Files that are read ahead hold their bytes and texts in memory.
constexpr std::size_t kReadAhead = 2;  // beyond one a CPU

// What reading a file came to.
struct Reading {
  DocumentSource source;
  std::optional<Document> document;  // unset: its bytes are the same as before, or none to read
};

// An archive whose members are on their way.
struct Archive {
  ArchiveRecord record;
  std::size_t index = 0;  // of its file among all that were found
  UnknownSuffix unknown = UnknownSuffix::kSkip;
  std::set<std::string> paths;  // of its members, whatever becomes of them
  bool has_failed = false;      // one of them has
};

// A file, or a member of an archive, on its way. An outcome that is there already needs no reading.
struct Pending {
  std::string uri;
  std::size_t index = 0;  // of the file among all that were found
  bool named = false;
  Archive* archive = nullptr;  // whose member it is; not for the thread that reads it
  std::optional<DocumentRecord> old;
  std::optional<Result<IngestOutcome>> outcome;
  std::future<Result<Reading>> reading;
};

// In a thread of its own: it knows no library.
Result<Reading> ReadBytes(const fs::path& path, std::string_view bytes, UnknownSuffix unknown,
                          DocumentSource source, const std::string& old_digest,
                          const ReadOptions& options) {
  source.size_bytes = static_cast<std::int64_t>(bytes.size());
  source.digest = Sha256::HexOf(bytes);
  if (source.digest == old_digest) return Reading{std::move(source), std::nullopt};
  const Format* const format = FindFormat(path, bytes, unknown);
  if (format == nullptr) return Reading{std::move(source), std::nullopt};
  source.media_type = format->media_type;
  Document document = TRY(ReadDocument(path, bytes, *format, options));
  return Reading{std::move(source), std::move(document)};
}

UnknownSuffix ReadingOfUnknown(bool is_named, const WalkOptions& walk) {
  return is_named || !walk.include.empty() ? UnknownSuffix::kReadAsText : UnknownSuffix::kSkip;
}

Result<void> CheckName(const FoundFile& file) {
  if (!file.trouble.empty()) return Error(StatusCode::kFailed, "{}", file.trouble);
  if (!IsUtf8(file.path.native())) {
    return Error(StatusCode::kInvalidInput, "its name is not UTF-8: rename it");
  }
  return {};
}

// What can be said without a look into the file, or the beginning of its reading. An error here is
// the file's.
Result<void> BeginFile(Library& library, const FoundFile& file, const IngestOptions& options,
                       Pending& pending) {
  TRY(CheckName(file));
  struct stat info{};
  if (stat(file.path.c_str(), &info) != 0) {
    return Error(StatusCode::kNotFound, "cannot read it: {}", std::strerror(errno));
  }
  DocumentSource source;
  source.uri = pending.uri;
  source.size_bytes = info.st_size;
  source.modified_ns =
      std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + std::int64_t{info.st_mtim.tv_nsec};
  pending.old = TRY(library.FindDocument(source.uri));
  const DocumentSource* const old = pending.old ? &pending.old->source : nullptr;
  if (old != nullptr && old->size_bytes == source.size_bytes &&
      old->modified_ns == source.modified_ns) {
    pending.outcome = IngestOutcome::kUnchanged;
    return {};
  }
  pending.reading = std::async(
      std::launch::async,
      [&file, &options](DocumentSource of, const std::string& old_digest) -> Result<Reading> {
        const std::string bytes = TRY(ReadFile(file.path, options.reading.limits.file_bytes));
        return ReadBytes(file.path, bytes, ReadingOfUnknown(file.named, options.walk),
                         std::move(of), old_digest, options.reading);
      },
      std::move(source), old != nullptr ? old->digest : std::string());
  return {};
}

// The same of a member of an archive.
Result<void> BeginMember(Library& library, const Archive& archive, ArchiveMember member,
                         const ReadOptions& options, Pending& pending) {
  if (member.fate == ArchiveMember::Fate::kRefused) {
    return Error(StatusCode::kFailed, "{}", member.content);
  }
  if (member.fate == ArchiveMember::Fate::kSkipped) {
    pending.outcome = IngestOutcome::kSkipped;
    return {};
  }
  DocumentSource source;
  source.uri = pending.uri;
  source.modified_ns = archive.record.modified_ns;
  pending.old = TRY(library.FindDocument(source.uri));
  pending.reading = std::async(
      std::launch::async,
      [unknown = archive.unknown, &options](const ArchiveMember& of, DocumentSource from,
                                            const std::string& old_digest) {
        return ReadBytes(of.path, of.content, unknown, std::move(from), old_digest, options);
      },
      std::move(member), std::move(source),
      pending.old ? pending.old->source.digest : std::string());
  return {};
}

// The document of a file that is gone and had these bytes, where there is one. One that is called
// by its file's name is read again, for its new name.
Result<std::optional<std::string>> FindMoved(Library& library, const std::string& digest) {
  for (const DocumentRecord& record : TRY(library.FindByDigest(digest))) {
    const fs::path path = record.source.uri;
    if (path.is_absolute() && IsFileGone(path) && record.title != path.filename().string()) {
      return record.source.uri;
    }
  }
  return std::nullopt;
}

// Waits for the file's reading, and brings what came of it into the library.
Result<IngestOutcome> End(Library& library, Pending& pending) {
  if (pending.outcome) return *std::move(pending.outcome);
  const Reading reading = TRY(pending.reading.get());
  if (pending.old && reading.source.digest == pending.old->source.digest) {
    // Nobody asks for the time of a member: its archive has one.
    if (pending.archive == nullptr) TRY(library.Touch(reading.source));
    return IngestOutcome::kUnchanged;
  }
  if (!reading.document) return IngestOutcome::kSkipped;
  if (!pending.old) {
    if (const auto from = TRY(FindMoved(library, reading.source.digest))) {
      TRY(library.Move(*from, reading.source));
      return IngestOutcome::kMoved;
    }
  }
  TRY(library.Put(reading.source, *reading.document, UnixSeconds()));
  return pending.old ? IngestOutcome::kReplaced : IngestOutcome::kAdded;
}

constexpr std::string_view kUnreadable = "none of the formats that are read";

IngestEvent Describe(const Pending& pending, const Result<IngestOutcome>& outcome) {
  IngestEvent event;
  event.uri = pending.uri;
  event.index = pending.index;
  if (!outcome) {
    event.reason = outcome.error().message();
    // ReadFile names the path, which the event has.
    const std::string prefix = event.uri + ": ";
    if (event.reason.starts_with(prefix)) event.reason.erase(0, prefix.size());
    return event;
  }
  event.outcome = *outcome;
  if (event.outcome == IngestOutcome::kSkipped) {
    event.reason = kUnreadable;
    if (pending.named) event.outcome = IngestOutcome::kFailed;
  }
  return event;
}

// Documents of these folders whose files are gone. A folder in which nothing was found keeps its
// own: more often a disk is not there than all files are deleted.
Result<std::vector<std::string>> FindGone(Library& library, std::span<const fs::path> paths,
                                          std::span<const FoundFile> files) {
  std::vector<std::string> folders;  // with a slash at the end
  std::error_code error;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path, error)) continue;
    std::string folder = (fs::absolute(path, error).lexically_normal() / "").string();
    const bool found = std::ranges::any_of(
        files, [&](const FoundFile& file) { return file.path.native().starts_with(folder); });
    if (found) folders.push_back(std::move(folder));
  }
  std::vector<std::string> gone;
  if (folders.empty()) return gone;
  for (const DocumentRecord& record : TRY(library.ListDocuments())) {
    const std::string& uri = record.source.uri;
    const bool is_inside = std::ranges::any_of(
        folders, [&](const std::string& folder) { return uri.starts_with(folder); });
    if (is_inside && IsFileGone(uri)) gone.push_back(uri);
  }
  return gone;
}

class Ingestor {
 public:
  Ingestor(Library& library, const IngestOptions& options, const IngestSink& sink)
      : library_(library), options_(options), sink_(sink) {
    options_.reading.should_stop = [this] { return is_over_.load(); };
  }
  Ingestor(const Ingestor&) = delete;
  Ingestor& operator=(const Ingestor&) = delete;
  // Readers outlive a call that ends early only as long as they take to notice.
  ~Ingestor() { is_over_ = true; }

  Result<void> Run(std::span<const fs::path> paths) {
    files_ = FindFiles(paths, options_.walk);
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const auto kind = ArchiveKindOf(files_[i].path);
      if (kind && CheckName(files_[i])) {
        TRY(AddArchive(files_[i], *kind, i));
      } else {
        TRY(AddFile(files_[i], i));
      }
    }
    TRY(EndUntil(0));
    for (const std::string& uri : TRY(FindGone(library_, paths, files_))) {
      TRY(Remove(uri, files_.size() - 1));
    }
    return library_.Purge();
  }

 private:
  Result<void> Add(Pending pending, const Result<void>& begun) {
    if (!begun) pending.outcome = std::unexpected(begun.error());
    pending_.push_back(std::move(pending));
    return EndUntil(static_cast<std::size_t>(AvailableCpus()) + kReadAhead - 1);
  }

  // The oldest ones, until no more than that many are left.
  Result<void> EndUntil(std::size_t most) {
    while (pending_.size() > most) {
      Pending& first = pending_.front();
      const Result<IngestOutcome> outcome = End(library_, first);
      if (!outcome && first.archive != nullptr) first.archive->has_failed = true;
      const IngestEvent event = Describe(first, outcome);
      pending_.pop_front();
      TRY(Tell(event));
    }
    return {};
  }

  Result<void> Tell(IngestEvent event) {
    event.count = files_.size();
    if (sink_(event)) return {};
    return Error(StatusCode::kCancelled, "interrupted");
  }

  Result<void> Remove(const std::string& uri, std::size_t index) {
    TRY(library_.Remove(uri));
    IngestEvent event;
    event.outcome = IngestOutcome::kRemoved;
    event.uri = uri;
    event.index = index;
    return Tell(std::move(event));
  }

  Result<void> AddFile(const FoundFile& file, std::size_t index) {
    Pending pending;
    pending.uri = file.path.string();
    pending.index = index;
    pending.named = file.named;
    const Result<void> begun = BeginFile(library_, file, options_, pending);
    return Add(std::move(pending), begun);
  }

  Result<void> AddArchive(const FoundFile& file, ArchiveKind kind, std::size_t index) {
    Pending whole;
    whole.uri = file.path.string();
    whole.index = index;
    Archive archive;
    archive.index = index;
    WalkOptions selection = options_.walk;
    if (file.included) selection.include.clear();
    archive.unknown = ReadingOfUnknown(false, selection);
    const Result<FileIdentity> identity = IdentityOf(file.path);
    if (!identity) return Add(std::move(whole), std::unexpected(identity.error()));
    archive.record = {whole.uri, static_cast<std::int64_t>(identity->size_bytes),
                      identity->modified_ns, SelectionOf(selection)};
    if (TRY(library_.FindArchive(whole.uri)) == archive.record) {
      whole.outcome = IngestOutcome::kUnchanged;
      return Add(std::move(whole), {});
    }
    Result<void> added;  // what stopped the reading, where that was not the archive
    const Result<void> read =
        ReadArchive(file.path, kind, selection, options_.reading, [&](ArchiveMember member) {
          added = AddMember(archive, std::move(member));
          return added.has_value();
        });
    TRY(std::move(added));
    TRY(EndUntil(0));
    if (!read) return Add(std::move(whole), read);
    if (archive.paths.empty()) {
      return Add(std::move(whole), Error(StatusCode::kInvalidInput, "it holds no files"));
    }
    return EndArchive(archive);
  }

  Result<void> AddMember(Archive& archive, ArchiveMember member) {
    Pending pending;
    pending.uri = MemberUri(archive.record.uri, member.path);
    pending.index = archive.index;
    pending.archive = &archive;
    const bool is_first = archive.paths.insert(member.path).second;
    if (member.fate == ArchiveMember::Fate::kLeftOut) return {};
    if (!is_first && member.fate != ArchiveMember::Fate::kRefused) {
      return Add(std::move(pending), Error(StatusCode::kInvalidInput,
                                           "an earlier member of its archive has the same name"));
    }
    const Result<void> begun =
        BeginMember(library_, archive, std::move(member), options_.reading, pending);
    return Add(std::move(pending), begun);
  }

  // All of its members are in the library, or have failed.
  Result<void> EndArchive(const Archive& archive) {
    for (const std::string& uri : TRY(library_.ListMembers(archive.record.uri))) {
      const std::string path = uri.substr(MemberUri(archive.record.uri, "").size());
      if (!archive.paths.contains(path) && IsMissing(uri)) TRY(Remove(uri, archive.index));
    }
    // What has failed is tried again the next time, as a file is.
    if (archive.has_failed) return {};
    return library_.PutArchive(archive.record);
  }

  Library& library_;
  IngestOptions options_;
  const IngestSink& sink_;
  std::vector<FoundFile> files_;
  std::atomic<bool> is_over_ = false;
  std::deque<Pending> pending_;  // goes first: its threads look at the others
};

}  // namespace

std::string_view Name(IngestOutcome outcome) {
  switch (outcome) {
    case IngestOutcome::kAdded:
      return "added";
    case IngestOutcome::kReplaced:
      return "replaced";
    case IngestOutcome::kMoved:
      return "moved";
    case IngestOutcome::kRemoved:
      return "removed";
    case IngestOutcome::kUnchanged:
      return "unchanged";
    case IngestOutcome::kSkipped:
      return "skipped";
    case IngestOutcome::kFailed:
      break;
  }
  return "failed";
}

Result<void> Ingest(Library& library, std::span<const fs::path> paths, const IngestOptions& options,
                    const IngestSink& sink) {
  return Ingestor(library, options, sink).Run(paths);
}

}  // namespace kinglet
