// SPDX-License-Identifier: Apache-2.0
// Breaks where a document breaks its word.
#include "document_promises.h"

#include <cstddef>
#include <string>

#include "base/check.h"
#include "base/display.h"
#include "knowledge/chunker.h"
#include "knowledge/extractor.h"
#include "knowledge/sentences.h"
#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxStemmedBytes = 2000;  // of the text, to leave time for the parsers

bool IsClean(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') return false;
    if (c == 0x7F) return false;
  }
  return IsUtf8(text);
}

void CheckBlocks(const Document& document) {
  std::size_t end = 0;
  for (const Block& block : document.blocks) {
    KINGLET_CHECK(end <= block.range.begin && block.range.begin < block.range.end &&
                      block.range.end <= document.text.size(),
                  "block {} to {} of {}", block.range.begin, block.range.end, document.text.size());
    KINGLET_CHECK(document.text.find_first_not_of(" \n\t", end) >= block.range.begin,
                  "text between blocks before {}", block.range.begin);
    KINGLET_CHECK(block.heading < document.headings.size(), "heading {}", block.heading);
    end = block.range.end;
  }
}

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

}  // namespace

void CheckDocument(const char* name, std::string_view bytes) {
  const Format* format = FindFormat(name, bytes, UnknownSuffix::kSkip);
  if (format == nullptr) return;
  const Result<Document> document = ExtractDocument(name, bytes, *format);
  if (!document) return;
  KINGLET_CHECK(IsClean(document->text) && IsClean(document->title), "text is not clean");
  for (const std::string& heading : document->headings) {
    KINGLET_CHECK(IsClean(heading), "heading is not clean");
  }
  CheckBlocks(*document);
  CheckChunks(*document);
  CheckWords(std::string_view(document->text).substr(0, kMaxStemmedBytes));
}

}  // namespace kinglet
