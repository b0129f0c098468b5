// SPDX-License-Identifier: Apache-2.0
// A line of a library's export, as anyone may have written it. Size and digest of its text, which
// no mutation would hit, are mended: what they guard is looked at too.
// Covers: src/knowledge/library_export.cc
// Longest input: 4096
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/digest.h"
#include "knowledge/library_export.h"

namespace kinglet {
namespace {

void Read(std::string_view line) {
  const Result<DocumentDetails> details = ParseExportLine(line);
  if (!details) {
    KINGLET_CHECK(details.error().code() == StatusCode::kInvalidInput, "{}",
                  details.error().message());
    return;
  }
  KINGLET_CHECK(IsCleanText(details->text) && !details->record.source.uri.empty(), "kept");
  std::size_t end = 0;
  for (const ChunkRecord& chunk : details->chunks) {
    KINGLET_CHECK(end <= chunk.range.begin && chunk.range.begin < chunk.range.end &&
                      chunk.range.end <= details->text.size(),
                  "chunk {} to {}", chunk.range.begin, chunk.range.end);
    end = chunk.range.end;
  }
  const std::string written = ToJson(ToJson(*details));
  const Result<DocumentDetails> again = ParseExportLine(written);
  KINGLET_CHECK(again && ToJson(ToJson(*again)) == written, "not as it was written");
}

void Run(std::string_view line) {
  Read(line);
  Result<json::value> value = ParseJson(line, {.max_depth = 4});
  if (!value || !value->is_object()) return;
  json::object& object = value->get_object();
  const json::value* text = object.if_contains("text");
  if (text == nullptr || !text->is_string()) return;
  const std::string kept(text->get_string());
  object["text_bytes"] = kept.size();
  object["text_digest"] = Sha256::HexOf(kept);
  Read(ToJson(object));
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
