// SPDX-License-Identifier: Apache-2.0
// Archives for tests, made in memory by libarchive's writer.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace kinglet {

using ZipMembers = std::vector<std::pair<std::string, std::string>>;  // names and contents

struct TarMember {
  std::string name;  // any bytes
  std::string content;
  unsigned type = AE_IFREG;
  std::string hard_link = {};  // the member whose content it has
};

// An archive that is written into memory.
class ArchiveWriterForTest {
 public:
  ArchiveWriterForTest() : writer_(archive_write_new()) {}
  ArchiveWriterForTest(const ArchiveWriterForTest&) = delete;
  ArchiveWriterForTest& operator=(const ArchiveWriterForTest&) = delete;
  ~ArchiveWriterForTest() { archive_write_free(writer_); }

  archive* get() { return writer_; }
  void Check(int status) {
    KINGLET_CHECK(status == ARCHIVE_OK, "{}", archive_error_string(writer_));
  }

  void Open() {
    Check(archive_write_open2(
        writer_, &bytes_, nullptr,
        [](archive*, void* out, const void* piece, std::size_t size) {
          static_cast<std::string*>(out)->append(static_cast<const char*>(piece), size);
          return static_cast<la_ssize_t>(size);
        },
        nullptr, nullptr));
    archive_write_set_bytes_in_last_block(writer_, 1);
  }

  void Add(const TarMember& member, void (*set_name)(archive_entry*, const char*)) {
    archive_entry* entry = archive_entry_new();
    set_name(entry, member.name.c_str());
    archive_entry_set_filetype(entry, member.type);
    archive_entry_set_perm(entry, 0644);
    if (!member.hard_link.empty()) archive_entry_set_hardlink(entry, member.hard_link.c_str());
    if (member.type == AE_IFLNK) archive_entry_set_symlink(entry, "target");
    archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
    Check(archive_write_header(writer_, entry));
    const auto written = archive_write_data(writer_, member.content.data(), member.content.size());
    KINGLET_CHECK(written == static_cast<la_ssize_t>(member.content.size()), "{}", member.name);
    archive_entry_free(entry);
  }

  std::string Finish() {
    Check(archive_write_close(writer_));
    return bytes_;
  }

 private:
  archive* writer_;
  std::string bytes_;
};

// A password encrypts all members (by the traditional cipher, which needs no other library).
inline std::string WriteZip(const ZipMembers& members, const char* password = nullptr) {
  ArchiveWriterForTest writer;
  writer.Check(archive_write_set_format_zip(writer.get()));
  writer.Check(archive_write_set_options(writer.get(), "zip:hdrcharset=UTF-8"));
  if (password != nullptr) {
    writer.Check(archive_write_set_options(writer.get(), "zip:encryption=zipcrypt"));
    writer.Check(archive_write_set_passphrase(writer.get(), password));
  }
  writer.Open();
  for (const auto& [name, content] : members) {
    writer.Add({.name = name, .content = content}, archive_entry_set_pathname_utf8);
  }
  return writer.Finish();
}

// Packed by "gzip", "bzip2", "xz", "zstd" or not at all.
inline std::string WriteTar(const std::vector<TarMember>& members, const char* packing = nullptr) {
  ArchiveWriterForTest writer;
  writer.Check(archive_write_set_format_gnutar(writer.get()));
  if (packing != nullptr) writer.Check(archive_write_add_filter_by_name(writer.get(), packing));
  writer.Open();
  for (const TarMember& member : members) writer.Add(member, archive_entry_set_pathname);
  return writer.Finish();
}

}  // namespace kinglet
