// SPDX-License-Identifier: Apache-2.0
// Which files of some folders are to be read.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace kinglet {

struct WalkOptions {
  // Shell patterns, matched with a file's name and with its path below the folder given or in its
  // archive. With includes a file must match one of them, or the archive that it is in; what
  // matches an exclude is left out, folders whole.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  bool hidden = false;        // names that begin with a full stop
  bool follow_links = false;  // symbolic links; those in archives never
};

struct FoundFile {
  std::filesystem::path path;
  bool named;           // by the user, not found in a folder: then not to be readable is a failure
  std::string trouble;  // a folder that cannot be read
  // An include matches it. In a folder an archive without one is found too, for those of its
  // members that have one.
  bool included = false;
};

// Whether the options let a file be read that lies there below a folder, or in an archive.
bool IsSelected(const WalkOptions& options, const std::filesystem::path& relative);

// Each once, in the order of paths, those of a folder by name. Paths are made absolute against the
// current folder.
std::vector<FoundFile> FindFiles(std::span<const std::filesystem::path> paths,
                                 const WalkOptions& options);

}  // namespace kinglet
