// SPDX-License-Identifier: Apache-2.0
// libarchive's reader, which checks what it unpacks, within our limits.
#include "knowledge/formats/zip_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>  // uselocale is POSIX's, not C++'s

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/display.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

struct FreeReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

// libarchive hands out names in the encoding of the thread's locale, and the program never sets
// one: without this, names that are not ASCII would be lost.
class Utf8Names {
 public:
  Utf8Names() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = uselocale(locale_);
  }
  ~Utf8Names() {
    if (locale_ == nullptr) return;
    uselocale(before_);
    freelocale(locale_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

// One pass over the members, in the order in which they lie.
class ZipWalk {
 public:
  static Result<ZipWalk> Begin(std::string_view bytes) {
    ZipWalk walk;
    KINGLET_CHECK(walk.reader_ != nullptr, "out of memory");
    // By the list at the end, which is the one that counts: a stream may hold what it does not.
    archive_read_support_format_zip_seekable(walk.reader_.get());
    if (archive_read_open_memory(walk.reader_.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
      return Error(StatusCode::kInvalidInput, "it is no zip archive, or only a part of one");
    }
    return walk;
  }

  // False after the last one.
  Result<bool> Next() {
    const int status = archive_read_next_header(reader_.get(), &entry_);
    if (status == ARCHIVE_EOF) return false;
    if (status == ARCHIVE_FATAL) {
      return Error(StatusCode::kInvalidInput, "its zip archive is broken: {}", Trouble());
    }
    return true;
  }

  std::string_view Name() const {
    const char* name = archive_entry_pathname(entry_);
    return name == nullptr ? std::string_view() : name;
  }

  Result<std::string> Read(std::size_t max_bytes) {
    if (archive_entry_is_encrypted(entry_) != 0) {
      return Error(StatusCode::kInvalidInput, "it is encrypted: save it without a password");
    }
    std::string content;
    std::vector<char> piece(64 << 10);
    for (;;) {
      const auto got = archive_read_data(reader_.get(), piece.data(), piece.size());
      if (got == 0) return content;
      if (got < 0) {
        return Error(StatusCode::kInvalidInput, "its member {} cannot be unpacked: {}",
                     Quoted(Name()), Trouble());
      }
      if (content.size() + static_cast<std::size_t>(got) > max_bytes) {
        return Error(StatusCode::kLimitExceeded,
                     "its member {} unpacks to more than the limit of {} bytes", Quoted(Name()),
                     max_bytes);
      }
      content.append(piece.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  ZipWalk() : reader_(archive_read_new()) {}

  std::string Trouble() const {
    const char* text = archive_error_string(reader_.get());
    return EscapeForDisplay(text == nullptr ? "unknown trouble" : text);
  }

  std::unique_ptr<archive, FreeReader> reader_;
  archive_entry* entry_ = nullptr;  // the reader's
};

}  // namespace

Result<ZipArchive> ZipArchive::Open(std::string_view bytes, const ZipLimits& limits) {
  const Utf8Names utf8_names;
  ZipArchive archive(bytes, limits);
  ZipWalk walk = TRY(ZipWalk::Begin(bytes));
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
  ZipWalk walk = TRY(ZipWalk::Begin(bytes_));
  while (!missing.empty() && TRY(walk.Next())) {
    const auto found = missing.find(walk.Name());
    if (found == missing.end()) continue;
    std::string content =
        TRY(walk.Read(std::min(limits_.member_bytes, limits_.total_bytes - loaded_bytes_)));
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
