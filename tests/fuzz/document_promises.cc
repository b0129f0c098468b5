// SPDX-License-Identifier: Apache-2.0
// Breaks where a document breaks its word.
#include "document_promises.h"

#include <cstddef>
#include <string>

#include "base/check.h"
#include "base/display.h"
#include "knowledge/chunker.h"
#include "knowledge/document_quality.h"
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

// Masked it is a sound document of the same blocks.
void CheckMasked(const Document& document) {
  const ExaminedDocument masked = ExamineDocument(document, PersonalDataPolicy::kMask);
  const Result<void> sound = CheckDocument(masked.document);
  KINGLET_CHECK(sound, "masked: {}", sound.error().message());
  KINGLET_CHECK(masked.document.blocks.size() == document.blocks.size(), "masked: other blocks");
  CheckChunks(masked.document);
}

}  // namespace

void CheckPromises(const char* name, std::string_view bytes) {
  const Format* format = FindFormat(name, bytes, UnknownSuffix::kSkip);
  if (format == nullptr) return;
  const Result<Document> document = ExtractDocument(name, bytes, *format);
  if (!document) return;
  const Result<void> sound = CheckDocument(*document);
  KINGLET_CHECK(sound, "{}", sound.error().message());
  CheckChunks(*document);
  CheckMasked(*document);
  CheckWords(std::string_view(document->text).substr(0, kMaxStemmedBytes));
}

}  // namespace kinglet
