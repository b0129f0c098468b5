// SPDX-License-Identifier: Apache-2.0
// Bytes as HTML, Markdown and plain text: whatever they are, the document and its chunks keep their
// promises.
// Covers: src/knowledge/formats/*.cc src/knowledge/extractor.cc src/knowledge/document.cc
// Covers: src/knowledge/cleaner.cc src/knowledge/chunker.cc src/knowledge/sentences.cc
// Covers: src/knowledge/word_stems.cc
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/display.h"
#include "knowledge/chunker.h"
#include "knowledge/extractor.h"
#include "knowledge/sentences.h"
#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxStemmedBytes = 2000;  // of the text, to leave time for the parsers

void CheckChunks(const Document& document) {
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

void CheckWords(std::string_view text) {
  std::size_t end = 0;
  for (const WordStem& word : StemWords(text)) {
    KINGLET_CHECK(end <= word.begin && word.begin < word.end && word.end <= text.size(),
                  "word {} to {}", word.begin, word.end);
    KINGLET_CHECK(!word.stem.empty() && IsUtf8(word.stem), "stem at {}", word.begin);
    end = word.end;
  }
  end = 0;
  for (const ByteRange& sentence : SplitSentences(text)) {
    KINGLET_CHECK(end <= sentence.begin && sentence.begin < sentence.end, "sentence {} to {}",
                  sentence.begin, sentence.end);
    end = sentence.end;
  }
}

void Check(const char* name, std::string_view bytes) {
  const Format* format = FindFormat(name, bytes, UnknownSuffix::kSkip);
  if (format == nullptr) return;
  const Result<Document> document = ExtractDocument(name, bytes, *format);
  if (!document) return;
  const Result<void> sound = CheckDocument(*document);
  KINGLET_CHECK(sound, "{}", sound.error().message());
  CheckChunks(*document);
  CheckWords(std::string_view(document->text).substr(0, kMaxStemmedBytes));
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kinglet::Check("a.html", bytes);
  kinglet::Check("a.md", bytes);
  kinglet::Check("a.txt", bytes);
  return 0;
}
