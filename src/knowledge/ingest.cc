// SPDX-License-Identifier: Apache-2.0
// The walk through folders, then one file after the other: unchanged, or read and put.
#include "knowledge/ingest.h"

#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include <sys/stat.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

struct FoundFile {
  fs::path path;
  bool named;           // by the user, not found in a folder: then not to be readable is a failure
  std::string trouble;  // a folder that cannot be read
};

bool MatchesAny(const std::vector<std::string>& patterns, const fs::path& relative) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), relative.filename().c_str(), 0) == 0 ||
           fnmatch(pattern.c_str(), relative.c_str(), 0) == 0;
  });
}

class Walk {
 public:
  explicit Walk(const IngestOptions& options) : options_(options) {}

  void Add(const fs::path& path) {
    std::error_code error;
    const fs::path absolute = fs::absolute(path, error).lexically_normal();
    if (fs::is_directory(absolute, error)) {
      root_ = absolute;
      AddFolder(absolute);
    } else {
      files_.push_back({absolute, true, {}});
    }
  }

  std::vector<FoundFile> Finish() && {
    std::vector<FoundFile> once;
    std::set<fs::path> seen;
    for (FoundFile& file : files_) {
      if (seen.insert(file.path).second) once.push_back(std::move(file));
    }
    return once;
  }

 private:
  // Sorted by name, so that two runs see the same order.
  void AddFolder(const fs::path& folder) {
    struct stat info{};
    if (stat(folder.c_str(), &info) != 0 || !visited_.insert({info.st_dev, info.st_ino}).second) {
      return;  // a link that leads back
    }
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      entries.push_back(*it);
    }
    if (error) files_.push_back({folder, true, "cannot read the folder: " + error.message()});
    std::ranges::sort(entries);
    for (const fs::directory_entry& entry : entries) AddEntry(entry);
  }

  void AddEntry(const fs::directory_entry& entry) {
    const fs::path& path = entry.path();
    std::error_code error;
    if (!options_.hidden && path.filename().native().starts_with('.')) return;
    if (!options_.follow_links && entry.is_symlink(error)) return;
    const fs::path relative = path.lexically_relative(root_);
    if (MatchesAny(options_.exclude, relative)) return;
    if (entry.is_directory(error)) return AddFolder(path);
    if (!entry.is_regular_file(error)) return;
    if (!options_.include.empty() && !MatchesAny(options_.include, relative)) return;
    files_.push_back({path, false, {}});
  }

  const IngestOptions& options_;
  fs::path root_;
  std::vector<FoundFile> files_;
  std::set<std::pair<dev_t, ino_t>> visited_;
};

// What happens to one file. An error here is the file's.
Result<IngestOutcome> IngestFile(Library& library, const FoundFile& file,
                                 const IngestOptions& options) {
  const fs::path& path = file.path;
  if (!IsUtf8(path.native())) {
    return Error(StatusCode::kInvalidInput, "its name is not UTF-8: rename it");
  }
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    return Error(StatusCode::kNotFound, "cannot read it: {}", std::strerror(errno));
  }
  DocumentSource source;
  source.uri = path.string();
  source.size_bytes = info.st_size;
  source.modified_ns =
      std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + std::int64_t{info.st_mtim.tv_nsec};
  const std::optional<DocumentRecord> old = TRY(library.FindDocument(source.uri));
  if (old && old->source.size_bytes == source.size_bytes &&
      old->source.modified_ns == source.modified_ns) {
    return IngestOutcome::kUnchanged;
  }
  const std::string bytes = TRY(ReadFile(path, options.limits.file_bytes));
  source.size_bytes = static_cast<std::int64_t>(bytes.size());
  source.digest = Sha256::HexOf(bytes);
  if (old && old->source.digest == source.digest) {
    TRY(library.Touch(source));
    return IngestOutcome::kUnchanged;
  }
  const bool wanted = file.named || !options.include.empty();
  const Format* format =
      FindFormat(path, bytes, wanted ? UnknownSuffix::kReadAsText : UnknownSuffix::kSkip);
  if (format == nullptr) return IngestOutcome::kSkipped;
  source.media_type = format->media_type;
  const Document document = TRY(ExtractDocument(path, bytes, *format, options.limits));
  TRY(library.Put(source, document, UnixSeconds()));
  return old ? IngestOutcome::kReplaced : IngestOutcome::kAdded;
}

constexpr std::string_view kUnreadable =
    "not plain text, Markdown, HTML, Office, OpenDocument or EPUB";

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

}  // namespace

std::string_view Name(IngestOutcome outcome) {
  switch (outcome) {
    case IngestOutcome::kAdded:
      return "added";
    case IngestOutcome::kReplaced:
      return "replaced";
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
  Walk walk(options);
  for (const fs::path& path : paths) walk.Add(path);
  const std::vector<FoundFile> files = std::move(walk).Finish();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const FoundFile& file = files[i];
    Result<IngestOutcome> outcome = Error(StatusCode::kFailed, "{}", file.trouble);
    if (file.trouble.empty()) outcome = IngestFile(library, file, options);
    IngestEvent event = Describe(file, outcome);
    event.index = i;
    event.count = files.size();
    if (!sink(event)) return Error(StatusCode::kCancelled, "interrupted");
  }
  return {};
}

}  // namespace kinglet
