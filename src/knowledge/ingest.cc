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
#include <utility>

#include <sys/stat.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/thread_pool.h"

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
};

// A file on its way. An outcome that is there already needs no reading.
struct Pending {
  const FoundFile* file = nullptr;
  std::optional<DocumentRecord> old;
  bool kept_otherwise = false;
  std::optional<Result<IngestOutcome>> outcome;
  std::future<Result<Reading>> reading;
};

bool IsGone(const fs::path& path) {
  struct stat info{};
  return stat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

// In a thread of its own: it knows no library.
Result<Reading> Read(const FoundFile& file, DocumentSource source, const std::string& old_digest,
                     const Work& work) {
  const IngestOptions& options = work.options;
  const std::string bytes = TRY(ReadFile(file.path, options.reading.limits.file_bytes));
  source.size_bytes = static_cast<std::int64_t>(bytes.size());
  source.digest = Sha256::HexOf(bytes);
  if (source.digest == old_digest) return Reading{std::move(source), std::nullopt};
  const bool wanted = file.named || !options.walk.include.empty();
  const Format* const format =
      FindFormat(file.path, bytes, wanted ? UnknownSuffix::kReadAsText : UnknownSuffix::kSkip);
  if (format == nullptr) return Reading{std::move(source), std::nullopt};
  source.media_type = format->media_type;
  Document document = TRY(ReadDocument(file.path, bytes, *format, options.reading));
  return Reading{std::move(source), ExamineDocument(std::move(document), work.policy)};
}

// What can be said without a look into the file, or the beginning of its reading. An error here is
// the file's.
Result<void> Begin(const Work& work, Pending& pending) {
  const FoundFile& file = *pending.file;
  if (!file.trouble.empty()) return Error(StatusCode::kFailed, "{}", file.trouble);
  if (!IsUtf8(file.path.native())) {
    return Error(StatusCode::kInvalidInput, "its name is not UTF-8: rename it");
  }
  struct stat info{};
  if (stat(file.path.c_str(), &info) != 0) {
    return Error(StatusCode::kNotFound, "cannot read it: {}", std::strerror(errno));
  }
  DocumentSource source;
  source.uri = file.path.string();
  source.size_bytes = info.st_size;
  source.modified_ns =
      std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + std::int64_t{info.st_mtim.tv_nsec};
  pending.old = TRY(work.library.FindDocument(source.uri));
  pending.kept_otherwise = std::ranges::binary_search(work.kept_otherwise, source.uri);
  const DocumentSource* const old = pending.old ? &pending.old->source : nullptr;
  const bool is_known = old != nullptr && !pending.kept_otherwise;
  if (is_known && old->size_bytes == source.size_bytes && old->modified_ns == source.modified_ns) {
    pending.outcome = IngestOutcome::kUnchanged;
    return {};
  }
  pending.reading = std::async(std::launch::async, Read, std::cref(file), std::move(source),
                               is_known ? old->digest : std::string(), std::cref(work));
  return {};
}

// The document of a file that is gone and had these bytes, where there is one. One that is called
// by its file's name is read again, for its new name.
Result<std::optional<std::string>> FindMoved(Library& library, const std::string& digest) {
  for (const DocumentRecord& record : TRY(library.FindByDigest(digest))) {
    const fs::path path = record.source.uri;
    if (path.is_absolute() && IsGone(path) && record.title != path.filename().string()) {
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
    TRY(library.Touch(reading.source));
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

IngestEvent Describe(const FoundFile& file, const Result<IngestOutcome>& outcome) {
  IngestEvent event;
  event.uri = file.path.string();
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
    if (file.named) event.outcome = IngestOutcome::kFailed;
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
  return is_inside && IsGone(uri);
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
    if (!is_unread || IsGone(event.uri)) {
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

using Tell = std::function<Result<void>(IngestEvent event, std::size_t index)>;

Result<void> IngestFiles(const Work& work, std::span<const FoundFile> files, const Tell& tell) {
  std::deque<Pending> pending;
  const auto most = static_cast<std::size_t>(AvailableCpus()) + kReadAhead;
  std::size_t next = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (; next < files.size() && pending.size() < most; ++next) {
      Pending& begun = pending.emplace_back();
      begun.file = &files[next];
      if (const auto fault = Begin(work, begun); !fault) {
        begun.outcome = std::unexpected(fault.error());
      }
    }
    const Result<IngestOutcome> outcome = End(work.library, pending.front());
    TRY(tell(Describe(*pending.front().file, outcome), i));
    pending.pop_front();
  }
  return {};
}

// Documents whose files are gone from these folders.
Result<void> RemoveGone(Library& library, std::span<const std::string> folders, std::size_t count,
                        const Tell& tell) {
  if (folders.empty()) return {};
  for (const DocumentRecord& record : TRY(library.ListDocuments())) {
    if (!IsGoneFrom(folders, record.source.uri)) continue;
    TRY(library.Remove(record.source.uri));
    IngestEvent event;
    event.outcome = IngestOutcome::kRemoved;
    event.uri = record.source.uri;
    TRY(tell(std::move(event), count - 1));
  }
  return {};
}

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
  const std::vector<FoundFile> files = FindFiles(paths, options.walk);
  TRY(library.NoteMissingQuality());
  Work work{library, options, TRY(library.GetPersonalDataPolicy()),
            TRY(library.ListKeptOtherwise())};
  // Readers outlive a call that ends early only as long as they take to notice.
  std::atomic<bool> is_over = false;
  work.options.reading.should_stop = [&is_over] { return is_over.load(); };
  Problems problems(TRY(library.ListProblems()));
  const auto tell = [&](IngestEvent event, std::size_t index) -> Result<void> {
    event.index = index;
    event.count = files.size();
    problems.Note(event);
    if (sink(event)) return {};
    is_over = true;
    return Error(StatusCode::kCancelled, "interrupted");
  };
  Result<void> result = IngestFiles(work, files, tell);
  if (result) result = RemoveGone(library, FindFolders(paths, files), files.size(), tell);
  if (result) problems.ForgetGone(FindFolders(paths, files));
  TRY(problems.Update(library));
  TRY(std::move(result));
  return library.Purge();
}

}  // namespace kinglet
