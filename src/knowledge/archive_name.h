// SPDX-License-Identifier: Apache-2.0
// Names around archives: which files are some, and what a member is called in the library:
// "/books/docs.zip!/a/b.md".
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/formats/archive_walk.h"

namespace kinglet {

// By its suffix, in any case: .zip, .tar, .tar.gz, .tgz and the like. Unset: no archive. Formats
// that are zip archives inside, as .docx, are documents.
std::optional<ArchiveKind> ArchiveKindOf(const std::filesystem::path& path);

// The relative path that a member's name means, with its parts once and between slashes.
// kInvalidInput where a name leads out of the archive, or is none.
Result<std::string> MemberPath(std::string_view name);

std::string MemberUri(std::string_view archive_uri, std::string_view member_path);

bool IsMissing(const std::string& path);  // no such file, as far as can be told

// The same of a document's file; one that is in an archive is there while the archive is.
bool IsFileGone(const std::string& uri);

}  // namespace kinglet
