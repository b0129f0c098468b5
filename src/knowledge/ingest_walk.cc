// SPDX-License-Identifier: Apache-2.0
// Folders by name, each once, however links lead.
#include "knowledge/ingest_walk.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <utility>

#include <sys/stat.h>

#include "knowledge/archive_name.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

bool MatchesAny(const std::vector<std::string>& patterns, const fs::path& relative) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), relative.filename().c_str(), 0) == 0 ||
           fnmatch(pattern.c_str(), relative.c_str(), 0) == 0;
  });
}

// A file or folder by its own name; what it lies in is asked for before.
bool MayEnter(const WalkOptions& options, const fs::path& relative) {
  if (!options.hidden && relative.filename().native().starts_with('.')) return false;
  return !MatchesAny(options.exclude, relative);
}

class Walk {
 public:
  explicit Walk(const WalkOptions& options) : options_(options) {}

  void Add(const fs::path& path) {
    std::error_code error;
    const fs::path absolute = fs::absolute(path, error).lexically_normal();
    if (fs::is_directory(absolute, error)) {
      root_ = absolute;
      AddFolder(absolute);
    } else {
      files_.push_back({absolute, true, {}, MatchesAny(options_.include, absolute.filename())});
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
    if (!options_.follow_links && entry.is_symlink(error)) return;
    const fs::path relative = path.lexically_relative(root_);
    if (!MayEnter(options_, relative)) return;
    if (entry.is_directory(error)) return AddFolder(path);
    if (!entry.is_regular_file(error)) return;
    const bool included = MatchesAny(options_.include, relative);
    if (!options_.include.empty() && !included && !ArchiveKindOf(path)) return;
    files_.push_back({path, false, {}, included});
  }

  const WalkOptions& options_;
  fs::path root_;
  std::vector<FoundFile> files_;
  std::set<std::pair<dev_t, ino_t>> visited_;
};

}  // namespace

bool IsSelected(const WalkOptions& options, const fs::path& relative) {
  fs::path above;
  for (const fs::path& part : relative) {
    above /= part;
    if (!MayEnter(options, above)) return false;
  }
  return options.include.empty() || MatchesAny(options.include, relative);
}

std::vector<FoundFile> FindFiles(std::span<const fs::path> paths, const WalkOptions& options) {
  Walk walk(options);
  for (const fs::path& path : paths) walk.Add(path);
  return std::move(walk).Finish();
}

}  // namespace kinglet
