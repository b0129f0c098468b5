// SPDX-License-Identifier: Apache-2.0
// Only the formats and packings that are asked for are switched on: each is a parser more.
#include "knowledge/formats/archive_walk.h"

#include <archive.h>
#include <archive_entry.h>

#include <vector>

#include "base/check.h"
#include "base/display.h"

namespace kinglet {

Utf8Names::Utf8Names() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
  if (locale_ != nullptr) before_ = uselocale(locale_);
}

Utf8Names::~Utf8Names() {
  if (locale_ == nullptr) return;
  uselocale(before_);
  freelocale(locale_);
}

void ArchiveWalk::FreeReader::operator()(archive* reader) const { archive_read_free(reader); }

ArchiveWalk::ArchiveWalk() : reader_(archive_read_new()) {}

Result<ArchiveWalk> ArchiveWalk::Begin(std::string_view bytes, ArchiveKind kind) {
  ArchiveWalk walk;
  archive* const reader = walk.reader_.get();
  KINGLET_CHECK(reader != nullptr, "out of memory");
  if (kind == ArchiveKind::kZip) {
    // By the list at the end, which is the one that counts: a stream may hold what it does not.
    archive_read_support_format_zip_seekable(reader);
  } else {
    archive_read_support_format_tar(reader);
    archive_read_support_filter_gzip(reader);
    archive_read_support_filter_bzip2(reader);
    archive_read_support_filter_xz(reader);
    archive_read_support_filter_zstd(reader);
  }
  if (archive_read_open_memory(reader, bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return Error(StatusCode::kInvalidInput, "it is no {} archive, or only a part of one",
                 kind == ArchiveKind::kZip ? "zip" : "tar");
  }
  return walk;
}

Result<bool> ArchiveWalk::Next() {
  const int status = archive_read_next_header(reader_.get(), &entry_);
  if (status == ARCHIVE_EOF) return false;
  if (status == ARCHIVE_FATAL) {
    return Error(StatusCode::kInvalidInput, "the archive is broken: {}", Trouble());
  }
  return true;
}

std::string_view ArchiveWalk::Name() const {
  const char* name = archive_entry_pathname(entry_);
  return name == nullptr ? std::string_view() : name;
}

bool ArchiveWalk::IsFile() const {
  return archive_entry_filetype(entry_) == AE_IFREG && archive_entry_hardlink(entry_) == nullptr;
}

bool ArchiveWalk::IsEncrypted() const { return archive_entry_is_encrypted(entry_) != 0; }

Result<void> ArchiveWalk::Read(const std::function<Result<void>(std::string_view)>& take) {
  std::vector<char> piece(64 << 10);
  for (;;) {
    const auto got = archive_read_data(reader_.get(), piece.data(), piece.size());
    if (got == 0) return {};
    if (got < 0) {
      is_lost_ = got == ARCHIVE_FATAL;
      return Error(StatusCode::kInvalidInput, "{}", Trouble());
    }
    TRY(take({piece.data(), static_cast<std::size_t>(got)}));
  }
}

std::string ArchiveWalk::Trouble() const {
  const char* text = archive_error_string(reader_.get());
  return EscapeForDisplay(text == nullptr ? "unknown trouble" : text);
}

}  // namespace kinglet
