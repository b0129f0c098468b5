// SPDX-License-Identifier: Apache-2.0
// The bytes of a file to a Document, by the format that its name and bytes tell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

struct ExtractLimits {
  std::size_t file_bytes = std::size_t{64} << 20;
  std::size_t markup_bytes = std::size_t{16} << 20;  // of HTML and Markdown: parsed into a tree
  std::size_t text_bytes = std::size_t{32} << 20;    // of the kept text
};

// Where a format's reader runs: what parses bytes in a thousand ways is not let near the library.
enum class ReaderPlace : std::uint8_t {
  kHere,       // in this process
  kConfined,   // in a process of its own that can do nothing but compute
  kPdfToText,  // by pdftotext, confined too; extract gets the words that it has found
};

// A row of the table of formats. extract gets all bytes of the file and fills the builder.
struct Format {  // NOLINT(clang-analyzer-optin.performance.Padding): it is read as a row
  std::string_view media_type;
  std::span<const std::string_view> suffixes;  // in lower case, with the full stop
  std::string_view magic;                      // its files begin with it; empty: they are text
  bool markup;                                 // markup_bytes is its limit
  Result<void> (*extract)(std::string_view bytes, DocumentBuilder& builder);
  ReaderPlace reader = ReaderPlace::kHere;
  bool on_request = false;  // folders hold it for the sake of pages: read where the user names it
};

// Of suffixes that no format has; and of formats that are read on request alone.
enum class UnknownSuffix {
  kSkip,        // a folder of pages holds style sheets and data that nobody asked for
  kReadAsText,  // the user named the file
};

// The format of a file, by suffix; without one it is plain text. Null for what cannot be read:
// bytes that are no text, and what is to be skipped.
const Format* FindFormat(const std::filesystem::path& path, std::string_view bytes,
                         UnknownSuffix unknown);

// Whether no format has that suffix; a file without one may be text.
bool IsUnknownSuffix(const std::filesystem::path& path);

// Grows with what can be read: what was passed over by an earlier version may be worth a look.
std::size_t CountFormats();

const Format* FindFormatOf(std::string_view media_type);  // null: there is none

// kLimitExceeded: a file of that format may not be so large.
Result<void> CheckSize(std::string_view bytes, const Format& format, const ExtractLimits& limits);

// Reads in this process, whatever the format; document_reader.h does better. kInvalidInput: not
// readable as that format. kLimitExceeded: too large. A document without title is called by its
// file name.
Result<Document> ExtractDocument(const std::filesystem::path& path, std::string_view bytes,
                                 const Format& format, const ExtractLimits& limits = {});

// A file inside another, as what is attached to a mail, into the document of the whole. In this
// process too.
Result<void> ExtractPart(std::string_view bytes, const Format& format, DocumentBuilder& builder,
                         const ExtractLimits& limits = {});

}  // namespace kinglet
