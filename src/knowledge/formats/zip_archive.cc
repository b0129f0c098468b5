// SPDX-License-Identifier: Apache-2.0
// Walks through the archive, within our limits.
#include "knowledge/formats/zip_archive.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/display.h"
#include "knowledge/cleaner.h"
#include "knowledge/formats/archive_walk.h"

namespace kinglet {
namespace {

// The content of the member that the walk has come to.
Result<std::string> Unpack(ArchiveWalk& walk, std::size_t max_bytes) {
  if (walk.IsEncrypted()) {
    return Error(StatusCode::kInvalidInput, "it is encrypted: save it without a password");
  }
  std::string content;
  const Result<void> result = walk.Read([&](std::string_view piece) -> Result<void> {
    if (piece.size() > max_bytes - content.size()) {
      return Error(StatusCode::kLimitExceeded,
                   "its member {} unpacks to more than the limit of {} bytes", Quoted(walk.Name()),
                   max_bytes);
    }
    content += piece;
    return {};
  });
  if (result) return content;
  if (result.error().code() == StatusCode::kLimitExceeded) return std::unexpected(result.error());
  return Error(StatusCode::kInvalidInput, "its member {} cannot be unpacked: {}",
               Quoted(walk.Name()), result.error().message());
}

}  // namespace

Result<ZipArchive> ZipArchive::Open(std::string_view bytes, const ZipLimits& limits) {
  const Utf8Names utf8_names;
  ZipArchive archive(bytes, limits);
  ArchiveWalk walk = TRY(ArchiveWalk::Begin(bytes, ArchiveKind::kZip));
  for (std::size_t count = 0; TRY(walk.Next()); ++count) {
    if (count >= limits.members) {
      return Error(StatusCode::kLimitExceeded, "its zip archive has more than {} members",
                   limits.members);
    }
    archive.names_.emplace(walk.Name());
  }
  return archive;
}

Result<void> ZipArchive::Load(std::span<const std::string> names) {
  std::set<std::string_view> missing;
  for (const std::string& name : names) {
    if (Has(name) && !loaded_.contains(name)) missing.insert(name);
  }
  if (missing.empty()) return {};
  const Utf8Names utf8_names;
  ArchiveWalk walk = TRY(ArchiveWalk::Begin(bytes_, ArchiveKind::kZip));
  while (!missing.empty() && TRY(walk.Next())) {
    const auto found = missing.find(walk.Name());
    if (found == missing.end()) continue;
    std::string content =
        TRY(Unpack(walk, std::min(limits_.member_bytes, limits_.total_bytes - loaded_bytes_)));
    loaded_bytes_ += content.size();
    loaded_.emplace(*found, std::move(content));
    missing.erase(found);
  }
  return {};
}

const std::string* ZipArchive::Find(std::string_view name) const {
  const auto found = loaded_.find(name);
  return found == loaded_.end() ? nullptr : &found->second;
}

Result<std::string_view> ZipArchive::Require(const std::string& name) {
  TRY(Load({&name, 1}));
  const std::string* content = Find(name);
  if (content == nullptr) {
    return Error(StatusCode::kInvalidInput, "its zip archive has no member {}", Quoted(name));
  }
  return std::string_view(*content);
}

std::optional<std::string> ResolveMember(std::string_view from, std::string_view reference) {
  const std::string path = DecodeHexEscapes(reference.substr(0, reference.find('#')), '%');
  std::vector<std::string_view> parts;
  const auto add = [&](std::string_view text) {
    while (!text.empty()) {
      const std::string_view part = text.substr(0, text.find('/'));
      text.remove_prefix(std::min(part.size() + 1, text.size()));
      if (part == "..") {
        if (parts.empty()) return false;
        parts.pop_back();
      } else if (!part.empty() && part != ".") {
        parts.push_back(part);
      }
    }
    return true;
  };
  const std::string_view folder =
      path.starts_with('/') ? "" : from.substr(0, from.find_last_of('/') + 1);
  if (path.empty() || !add(folder) || !add(path)) return std::nullopt;
  std::string name;
  for (const std::string_view part : parts) {
    if (!name.empty()) name += '/';
    name += part;
  }
  return name;
}

}  // namespace kinglet
