// SPDX-License-Identifier: Apache-2.0
// A zip archive in memory: which members it has, and what is in those that are asked for. Nothing
// is written anywhere, so a member's name is only a name.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kinglet {

struct ZipLimits {
  std::size_t members = 20'000;
  std::size_t member_bytes = std::size_t{64} << 20;  // of one, unpacked
  std::size_t total_bytes = std::size_t{256} << 20;  // of all that are loaded, unpacked
};

class ZipArchive {
 public:
  // The bytes must outlive it. kInvalidInput: no zip archive.
  static Result<ZipArchive> Open(std::string_view bytes, const ZipLimits& limits = {});

  bool Has(std::string_view name) const { return names_.contains(name); }

  // Unpacks those of the names that there are, in one walk through the archive: libarchive has no
  // other access, so ask for many at once. Other members stay packed, whatever they are.
  // kInvalidInput: broken or encrypted. kLimitExceeded: a bomb.
  Result<void> Load(std::span<const std::string> names);

  // Null: not there, or not loaded.
  const std::string* Find(std::string_view name) const;

  // Loads a member that must be there: kInvalidInput where it is not.
  Result<std::string_view> Require(const std::string& name);

 private:
  ZipArchive(std::string_view bytes, const ZipLimits& limits) : bytes_(bytes), limits_(limits) {}

  std::string_view bytes_;
  ZipLimits limits_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::string, std::less<>> loaded_;
  std::size_t loaded_bytes_ = 0;
};

// The member that a reference in another member means: relative to its folder or, with a slash
// before it, to the archive; without the part after '#', percent signs decoded. None where it leads
// out of the archive.
std::optional<std::string> ResolveMember(std::string_view from, std::string_view reference);

}  // namespace kinglet
