// SPDX-License-Identifier: Apache-2.0
// One thread speaks to the library and looks at the files in order; others read ahead of it.
#include "knowledge/ingest.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <utility>

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
  std::optional<ExaminedDocument> examined;  // unset: its bytes are as before, or none to read
};

// What all files of one ingest have in common.
struct Work {
  Library& library;
  IngestOptions options;
  PersonalDataPolicy policy;
  // Documents to be read again though their files are the same.
  std::vector<std::string> kept_otherwise;  // sorted

  bool WasKeptOtherwise(const std::string& uri) const {
    return std::ranges::binary_search(kept_otherwise, uri);
  }
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
  bool kept_otherwise = false;
  std::optional<Result<IngestOutcome>> outcome;
  std::future<Result<Reading>> reading;
};

// In a thread of its own: it does not speak to the library.
Result<Reading> ReadBytes(const fs::path& path, std::string_view bytes, UnknownSuffix unknown,
                          DocumentSource source, const std::string& old_digest, const Work& work) {
  source.size_bytes = static_cast<std::int64_t>(bytes.size());
  source.digest = Sha256::HexOf(bytes);
  if (source.digest == old_digest) return Reading{std::move(source), std::nullopt};
  const Format* const format = FindFormat(path, bytes, unknown);
  if (format == nullptr) return Reading{std::move(source), std::nullopt};
  source.media_type = format->media_type;
  Document document = TRY(ReadDocument(path, bytes, *format, work.options.reading));
  return Reading{std::move(source), ExamineDocument(std::move(document), work.policy)};
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
Result<void> BeginFile(const Work& work, const FoundFile& file, Pending& pending) {
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
  pending.old = TRY(work.library.FindDocument(source.uri));
  pending.kept_otherwise = work.WasKeptOtherwise(source.uri);
  const DocumentSource* const old = pending.old ? &pending.old->source : nullptr;
  const bool is_known = old != nullptr && !pending.kept_otherwise;
  if (is_known && old->size_bytes == source.size_bytes && old->modified_ns == source.modified_ns) {
    pending.outcome = IngestOutcome::kUnchanged;
    return {};
  }
  pending.reading = std::async(
      std::launch::async,
      [&file, &work](DocumentSource of, const std::string& old_digest) -> Result<Reading> {
        const std::string bytes = TRY(ReadFile(file.path, work.options.reading.limits.file_bytes));
        return ReadBytes(file.path, bytes, ReadingOfUnknown(file.named, work.options.walk),
                         std::move(of), old_digest, work);
      },
      std::move(source), is_known ? old->digest : std::string());
  return {};
}

// The same of a member of an archive.
Result<void> BeginMember(const Work& work, const Archive& archive, ArchiveMember member,
                         Pending& pending) {
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
  pending.old = TRY(work.library.FindDocument(source.uri));
  pending.kept_otherwise = work.WasKeptOtherwise(source.uri);
  const bool is_known = pending.old && !pending.kept_otherwise;
  pending.reading = std::async(
      std::launch::async,
      [unknown = archive.unknown, &work](const ArchiveMember& of, DocumentSource from,
                                         const std::string& old_digest) {
        return ReadBytes(of.path, of.content, unknown, std::move(from), old_digest, work);
      },
      std::move(member), std::move(source), is_known ? pending.old->source.digest : std::string());
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
  if (pending.old && !pending.kept_otherwise &&
      reading.source.digest == pending.old->source.digest) {
    // Nobody asks for the time of a member: its archive has one.
    if (pending.archive == nullptr) TRY(library.Touch(reading.source));
    return IngestOutcome::kUnchanged;
  }
  if (!reading.examined) return IngestOutcome::kSkipped;
  if (const auto allowed = CheckPolicy(reading.examined->quality); !allowed) {
    if (!pending.old) return std::unexpected(allowed.error());
    TRY(library.Remove(reading.source.uri));
    return Error(allowed.error().code(), "{}; what was kept of it is removed",
                 allowed.error().message());
  }
  if (!pending.old) {
    if (const auto from = TRY(FindMoved(library, reading.source.digest))) {
      TRY(library.Move(*from, reading.source));
      return IngestOutcome::kMoved;
    }
  }
  TRY(library.Put(reading.source, *reading.examined, UnixSeconds()));
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

// With a slash at the end. A folder in which nothing was found keeps its own: more often a disk is
// not there than all files are deleted.
std::vector<std::string> FindFolders(std::span<const fs::path> paths,
                                     std::span<const FoundFile> files) {
  std::vector<std::string> folders;
  std::error_code error;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path, error)) continue;
    std::string folder = (fs::absolute(path, error).lexically_normal() / "").string();
    const bool found = std::ranges::any_of(
        files, [&](const FoundFile& file) { return file.path.native().starts_with(folder); });
    if (found) folders.push_back(std::move(folder));
  }
  return folders;
}

// A file that was in one of these folders.
bool IsGoneFrom(std::span<const std::string> folders, const std::string& uri) {
  const bool is_inside = std::ranges::any_of(
      folders, [&](const std::string& folder) { return uri.starts_with(folder); });
  return is_inside && IsFileGone(uri);
}

// What an ingest could not read, beside what earlier ones could not.
class Problems {
 public:
  explicit Problems(std::vector<IngestProblem> old) {
    for (IngestProblem& problem : old) old_.emplace(problem.uri, std::move(problem));
  }

  void Note(const IngestEvent& event) {
    // What is no UTF-8 is no text for SQLite.
    const std::string uri = IsUtf8(event.uri) ? event.uri : EscapeForDisplay(event.uri);
    const auto old = old_.extract(uri);
    const bool is_unread =
        event.outcome == IngestOutcome::kSkipped || event.outcome == IngestOutcome::kFailed;
    if (!is_unread || IsFileGone(event.uri)) {
      if (old) solved_.push_back(uri);
      return;
    }
    IngestProblem problem{uri, std::string(Name(event.outcome)), event.reason};
    if (!old || old.mapped() != problem) met_.push_back(std::move(problem));
  }

  // Those that this ingest did not come upon.
  void ForgetGone(std::span<const std::string> folders) {
    for (const auto& [uri, problem] : old_) {
      if (IsGoneFrom(folders, uri)) solved_.push_back(uri);
    }
  }

  Result<void> Update(Library& library) const { return library.UpdateProblems(solved_, met_); }

 private:
  std::map<std::string, IngestProblem> old_;  // by uri
  std::vector<std::string> solved_;
  std::vector<IngestProblem> met_;
};

class Ingestor {
 public:
  Ingestor(Work work, std::vector<IngestProblem> problems, const IngestSink& sink)
      : work_(std::move(work)), problems_(std::move(problems)), sink_(sink) {
    work_.options.reading.should_stop = [this] { return is_over_.load(); };
  }
  Ingestor(const Ingestor&) = delete;
  Ingestor& operator=(const Ingestor&) = delete;
  // Readers outlive a call that ends early only as long as they take to notice.
  ~Ingestor() { is_over_ = true; }

  Result<void> Run(std::span<const fs::path> paths) {
    files_ = FindFiles(paths, work_.options.walk);
    Result<void> result = AddAll();
    const std::vector<std::string> folders = FindFolders(paths, files_);
    if (result) result = RemoveGone(folders);
    if (result) problems_.ForgetGone(folders);
    TRY(problems_.Update(work_.library));
    TRY(std::move(result));
    return work_.library.Purge();
  }

 private:
  Result<void> AddAll() {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const auto kind = ArchiveKindOf(files_[i].path);
      if (kind && CheckName(files_[i])) {
        TRY(AddArchive(files_[i], *kind, i));
      } else {
        TRY(AddFile(files_[i], i));
      }
    }
    return EndUntil(0);
  }

  // Documents whose files are gone from these folders.
  Result<void> RemoveGone(std::span<const std::string> folders) {
    if (folders.empty()) return {};
    for (const DocumentRecord& record : TRY(work_.library.ListDocuments())) {
      if (!IsGoneFrom(folders, record.source.uri)) continue;
      TRY(Remove(record.source.uri, files_.size() - 1));
    }
    return {};
  }

  Result<void> Add(Pending pending, const Result<void>& begun) {
    if (!begun) pending.outcome = std::unexpected(begun.error());
    pending_.push_back(std::move(pending));
    return EndUntil(static_cast<std::size_t>(AvailableCpus()) + kReadAhead - 1);
  }

  // The oldest ones, until no more than that many are left.
  Result<void> EndUntil(std::size_t most) {
    while (pending_.size() > most) {
      Pending& first = pending_.front();
      const Result<IngestOutcome> outcome = End(work_.library, first);
      if (!outcome && first.archive != nullptr) first.archive->has_failed = true;
      const IngestEvent event = Describe(first, outcome);
      pending_.pop_front();
      TRY(Tell(event));
    }
    return {};
  }

  Result<void> Tell(IngestEvent event) {
    event.count = files_.size();
    problems_.Note(event);
    if (sink_(event)) return {};
    return Error(StatusCode::kCancelled, "interrupted");
  }

  Result<void> Remove(const std::string& uri, std::size_t index) {
    TRY(work_.library.Remove(uri));
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
    const Result<void> begun = BeginFile(work_, file, pending);
    return Add(std::move(pending), begun);
  }

  Result<void> AddArchive(const FoundFile& file, ArchiveKind kind, std::size_t index) {
    Pending whole;
    whole.uri = file.path.string();
    whole.index = index;
    Archive archive;
    archive.index = index;
    WalkOptions selection = work_.options.walk;
    if (file.included) selection.include.clear();
    archive.unknown = ReadingOfUnknown(false, selection);
    const Result<FileIdentity> identity = IdentityOf(file.path);
    if (!identity) return Add(std::move(whole), std::unexpected(identity.error()));
    archive.record = {whole.uri, static_cast<std::int64_t>(identity->size_bytes),
                      identity->modified_ns, SelectionOf(selection)};
    const bool is_known = TRY(work_.library.FindArchive(whole.uri)) == archive.record;
    if (is_known && !HoldsKeptOtherwise(whole.uri)) {
      whole.outcome = IngestOutcome::kUnchanged;
      return Add(std::move(whole), {});
    }
    Result<void> added;  // what stopped the reading, where that was not the archive
    const Result<void> read =
        ReadArchive(file.path, kind, selection, work_.options.reading, [&](ArchiveMember member) {
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

  bool HoldsKeptOtherwise(const std::string& archive) const {
    const std::string prefix = MemberUri(archive, "");
    const auto first = std::ranges::lower_bound(work_.kept_otherwise, prefix);
    return first != work_.kept_otherwise.end() && first->starts_with(prefix);
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
    const Result<void> begun = BeginMember(work_, archive, std::move(member), pending);
    return Add(std::move(pending), begun);
  }

  // All of its members are in the library, or have failed.
  Result<void> EndArchive(const Archive& archive) {
    for (const std::string& uri : TRY(work_.library.ListMembers(archive.record.uri))) {
      const std::string path = uri.substr(MemberUri(archive.record.uri, "").size());
      if (!archive.paths.contains(path) && IsMissing(uri)) TRY(Remove(uri, archive.index));
    }
    // What has failed is tried again the next time, as a file is.
    if (archive.has_failed) return {};
    return work_.library.PutArchive(archive.record);
  }

  Work work_;
  Problems problems_;
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
  TRY(library.NoteMissingQuality());
  Work work{library, options, TRY(library.GetPersonalDataPolicy()),
            TRY(library.ListKeptOtherwise())};
  return Ingestor(std::move(work), TRY(library.ListProblems()), sink).Run(paths);
}

}  // namespace kinglet
