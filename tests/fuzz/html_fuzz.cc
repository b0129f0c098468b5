// SPDX-License-Identifier: Apache-2.0
// Bytes as HTML, Markdown and plain text: whatever they are, the document and its chunks keep their
// promises.
// Covers: src/knowledge/formats/html*.cc src/knowledge/formats/markdown.cc
// Covers: src/knowledge/formats/plain.cc src/knowledge/extractor.cc src/knowledge/document.cc
// Covers: src/knowledge/cleaner.cc src/knowledge/chunker.cc src/knowledge/sentences.cc
// Covers: src/knowledge/word_stems.cc
#include <cstdint>
#include <string_view>

#include "document_promises.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kinglet::CheckPromises("a.html", bytes);
  kinglet::CheckPromises("a.md", bytes);
  kinglet::CheckPromises("a.txt", bytes);
  return 0;
}
