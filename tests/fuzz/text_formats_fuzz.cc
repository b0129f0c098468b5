// SPDX-License-Identifier: Apache-2.0
// Bytes as tables, records, notebooks, sources and mail, the first byte says which: whatever they
// are, the document and its chunks keep their promises.
// Covers: src/knowledge/formats/csv.cc src/knowledge/formats/json_text.cc
// Covers: src/knowledge/formats/notebook.cc src/knowledge/formats/source_code.cc
// Covers: src/knowledge/formats/mail.cc src/knowledge/formats/mime.cc
// Covers: src/knowledge/encoding_guess.cc
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "base/check.h"
#include "base/display.h"
#include "knowledge/chunker.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

constexpr const char* kNames[] = {"a.csv", "a.tsv", "a.json", "a.jsonl", "a.ipynb",
                                  "a.c",   "a.eml", "a.mbox", "a.txt"};

void Check(const Document& document) {
  const Result<void> sound = CheckDocument(document);
  KINGLET_CHECK(sound, "{}", sound.error().message());
  std::size_t end = 0;
  for (const Chunk& chunk : ChunkDocument(document)) {
    KINGLET_CHECK(end <= chunk.range.begin && chunk.range.begin < chunk.range.end &&
                      chunk.range.end <= document.text.size(),
                  "chunk {} to {} of {}", chunk.range.begin, chunk.range.end, document.text.size());
    KINGLET_CHECK(IsUtf8(chunk.range.Of(document.text)), "chunk {} cuts a character",
                  chunk.range.begin);
    end = chunk.range.end;
  }
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // A digit is easy to write into a seed.
  const std::size_t which = data[0] >= '0' ? data[0] - '0' : data[0];
  const char* name = kinglet::kNames[which % std::size(kinglet::kNames)];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const kinglet::Format* format =
      kinglet::FindFormat(name, bytes, kinglet::UnknownSuffix::kReadAsText);
  if (format == nullptr) return 0;
  if (const auto document = kinglet::ExtractDocument(name, bytes, *format)) {
    kinglet::Check(*document);
  }
  return 0;
}
