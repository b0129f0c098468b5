// SPDX-License-Identifier: Apache-2.0
// Cuts passages into windows of one and two sentences.
#include "answer/evidence.h"

#include <algorithm>

#include "knowledge/model_instructions.h"
#include "knowledge/sentences.h"
#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

// Longer ones are listings or tables, not sentences: nobody wants them as a quote.
constexpr int kMaxWindowWords = 80;

// A quote of two sentences is one thought: it does not reach over a blank line.
bool EndsParagraph(std::string_view text, std::size_t begin, std::size_t end) {
  return text.substr(begin, end - begin).find("\n\n") != std::string_view::npos;
}

bool Touches(std::span<const ByteRange> ranges, std::size_t begin, std::size_t end) {
  return std::ranges::any_of(
      ranges, [&](const ByteRange& range) { return range.begin < end && begin < range.end; });
}

Window MakeWindow(const Passage& passage, std::size_t index, std::size_t begin, std::size_t end,
                  int sentence_count) {
  Window window{.passage = index, .begin = begin, .end = end, .sentence_count = sentence_count};
  const std::string_view text = std::string_view(passage.text).substr(begin, end - begin);
  for (const WordStem& word : StemWords(text)) {
    ++window.word_count;
    window.stems.insert(word.stem);
  }
  return window;
}

}  // namespace

Evidence::Evidence(std::vector<Passage> passages) : passages_(std::move(passages)) {
  for (std::size_t i = 0; i < passages_.size(); ++i) {
    const Passage& passage = passages_[i];
    heading_stems_.push_back(StemsOf(passage.title + "\n" + passage.heading));
    passage_stems_.push_back(StemsOf(passage.text));
    passage_stems_.back().insert(heading_stems_.back().begin(), heading_stems_.back().end());

    const std::vector<ByteRange> orders = FindModelInstructions(passage.text);
    const std::vector<ByteRange> sentences = SplitSentences(passage.text);
    for (std::size_t s = 0; s < sentences.size(); ++s) {
      if (Touches(orders, sentences[s].begin, sentences[s].end)) continue;
      Window one = MakeWindow(passage, i, sentences[s].begin, sentences[s].end, 1);
      if (one.word_count == 0 || one.word_count > kMaxWindowWords) continue;
      windows_.push_back(std::move(one));
      if (s + 1 == sentences.size()) continue;
      if (EndsParagraph(passage.text, sentences[s].end, sentences[s + 1].begin)) continue;
      if (Touches(orders, sentences[s + 1].begin, sentences[s + 1].end)) continue;
      Window two = MakeWindow(passage, i, sentences[s].begin, sentences[s + 1].end, 2);
      if (two.word_count <= kMaxWindowWords) windows_.push_back(std::move(two));
    }
  }
}

std::string_view Evidence::Text(const Window& window) const {
  return std::string_view(passages_[window.passage].text)
      .substr(window.begin, window.end - window.begin);
}

Quote Evidence::ToQuote(const Window& window) const {
  const Passage& passage = passages_[window.passage];
  const std::int64_t start_byte = passage.start_byte + static_cast<std::int64_t>(window.begin);
  return {.document = passage.document,
          .title = passage.title,
          .heading = passage.heading,
          .page = passage.PageAt(start_byte),
          .line = passage.LineAt(start_byte),
          .start_byte = start_byte,
          .end_byte = passage.start_byte + static_cast<std::int64_t>(window.end),
          .text = std::string(Text(window))};
}

}  // namespace kinglet
