// SPDX-License-Identifier: Apache-2.0
// "!/" stands between an archive and its member, as Java has it in its URLs of jars.
#include "knowledge/archive_name.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/stat.h>

#include "base/utf8.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::string_view kInside = "!/";
constexpr std::size_t kMaxNameBytes = 1024;  // those of all members are held

constexpr std::pair<std::string_view, ArchiveKind> kSuffixes[] = {
    {".zip", ArchiveKind::kZip},     {".tar", ArchiveKind::kTar},
    {".tar.gz", ArchiveKind::kTar},  {".tgz", ArchiveKind::kTar},
    {".tar.bz2", ArchiveKind::kTar}, {".tbz2", ArchiveKind::kTar},
    {".tar.xz", ArchiveKind::kTar},  {".txz", ArchiveKind::kTar},
    {".tar.zst", ArchiveKind::kTar}, {".tzst", ArchiveKind::kTar},
};

}  // namespace

std::optional<ArchiveKind> ArchiveKindOf(const std::filesystem::path& path) {
  const std::string name = LowerAscii(path.filename().string());
  for (const auto& [suffix, kind] : kSuffixes) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) return kind;
  }
  return std::nullopt;
}

Result<std::string> MemberPath(std::string_view name) {
  const auto refused = [](std::string_view why) {
    return Error(StatusCode::kInvalidInput, "its name {}", why);
  };
  if (name.size() > kMaxNameBytes) return refused(fmt::format("has over {} bytes", kMaxNameBytes));
  if (!IsUtf8(name) || name.empty()) return refused("is not UTF-8");
  if (name.find('\0') != std::string_view::npos) return refused("holds a zero byte");
  if (name.starts_with('/')) return refused("is absolute, and leads out of the archive");
  std::string path;
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('/'));
    name.remove_prefix(std::min(part.size() + 1, name.size()));
    if (part == "..") return refused("leads out of the archive");
    if (part.empty() || part == ".") continue;
    if (!path.empty()) path += '/';
    path += part;
  }
  if (path.empty()) return refused("is that of a folder");
  return path;
}

std::string MemberUri(std::string_view archive_uri, std::string_view member_path) {
  return std::string(archive_uri).append(kInside).append(member_path);
}

// A path that is too long names no file.
bool IsMissing(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) != 0 &&
         (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG);
}

bool IsFileGone(const std::string& uri) {
  if (!IsMissing(uri)) return false;
  for (std::size_t at = uri.find(kInside); at != std::string::npos;
       at = uri.find(kInside, at + 1)) {
    const std::string archive = uri.substr(0, at);
    if (ArchiveKindOf(archive) && !IsMissing(archive)) return false;
  }
  return true;
}

}  // namespace kinglet
