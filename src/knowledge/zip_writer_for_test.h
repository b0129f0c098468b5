// SPDX-License-Identifier: Apache-2.0
// Zip archives for tests, made in memory by libarchive's writer.
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

// A password encrypts all members (by the traditional cipher, which needs no other library).
inline std::string WriteZip(const ZipMembers& members, const char* password = nullptr) {
  std::string bytes;
  archive* writer = archive_write_new();
  const auto check = [&](int status) {
    KINGLET_CHECK(status == ARCHIVE_OK, "{}", archive_error_string(writer));
  };
  check(archive_write_set_format_zip(writer));
  check(archive_write_set_options(writer, "zip:hdrcharset=UTF-8"));
  if (password != nullptr) {
    check(archive_write_set_options(writer, "zip:encryption=zipcrypt"));
    check(archive_write_set_passphrase(writer, password));
  }
  check(archive_write_open2(
      writer, &bytes, nullptr,
      [](archive*, void* out, const void* piece, std::size_t size) {
        static_cast<std::string*>(out)->append(static_cast<const char*>(piece), size);
        return static_cast<la_ssize_t>(size);
      },
      nullptr, nullptr));
  archive_write_set_bytes_in_last_block(writer, 1);
  for (const auto& [name, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname_utf8(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    check(archive_write_header(writer, entry));
    const auto written = archive_write_data(writer, content.data(), content.size());
    KINGLET_CHECK(written == static_cast<la_ssize_t>(content.size()), "{}", name);
    archive_entry_free(entry);
  }
  check(archive_write_close(writer));
  archive_write_free(writer);
  return bytes;
}

}  // namespace kinglet
