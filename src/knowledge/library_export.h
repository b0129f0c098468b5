// SPDX-License-Identifier: Apache-2.0
// A library as lines of JSON: a first line that names the format, its version and the number of
// documents, then a line for each with all that is kept of it. What Library::Export writes is read
// here, as any stranger's bytes are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "knowledge/library.h"

namespace kinglet {

// A text of 32 MiB, each byte of it written as two, and its chunks.
inline constexpr std::size_t kMaxExportLineBytes = std::size_t{256} << 20;

// {"document", "title", "media_type", ... "ingested_at"}, as the command line shows it.
json::object ToJson(const DocumentRecord& record);
// The same with "modified_ns", "pages" (where in the text they begin), "lines" (line_marks.h),
// "text", and for "chunks"
// their headings and ranges. A uri that is no UTF-8 is an array of its bytes.
json::object ToJson(const DocumentDetails& details);

// The line of one document. kInvalidInput says what is wrong: all is as a library keeps it (digest
// of the text, chunks and pages within it, clean texts), or refused.
Result<DocumentDetails> ParseExportLine(std::string_view line);

struct ImportCounts {
  std::int64_t documents = 0;  // that the first line tells of
  std::int64_t added = 0;
  std::int64_t replaced = 0;   // the document with the same uri had another text or original
  std::int64_t unchanged = 0;  // it was there, with the same digests
  std::int64_t refused = 0;    // by the library's policy for personal data; noted as a problem

  std::int64_t done() const { return added + replaced + unchanged + refused; }
};

// The next line; unset at the end.
using LineSource = std::function<Result<std::optional<std::string>>()>;
// Told of each document once it is on disk. Returns false to stop (kCancelled).
using ImportSink = std::function<bool(const ImportCounts&)>;

// Documents that are there with the same digests stay, others come in, one transaction each. Ends
// at the first line that is wrong, and names it; what came before it is kept. The library's policy
// for personal data is obeyed as when a file is read.
Result<void> ImportLibrary(Library& library, const LineSource& next_line, const ImportSink& sink);

}  // namespace kinglet
