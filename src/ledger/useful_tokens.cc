// SPDX-License-Identifier: Apache-2.0
// Marks the bytes that do not count, then looks which tokens have others.
#include "ledger/useful_tokens.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/byte_range.h"
#include "base/utf8.h"
#include "knowledge/cleaner.h"
#include "knowledge/sentences.h"

namespace kinglet {
namespace {

constexpr std::size_t kLeastSentence = 4;  // words
constexpr std::size_t kLeastStretch = 8;
constexpr std::size_t kLoopBytes = 16;  // of a round; longer ones have words
constexpr std::size_t kLeastLoop = 32;  // behind its first round
constexpr std::size_t kRunBytes = 2;

using Marks = std::vector<bool>;  // of each byte: it counts

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

// The begin of a character that is a word of its own: from U+3000 on, where scripts have no spaces.
bool IsWholeWord(char c) { return static_cast<unsigned char>(c) >= 0xE3; }

std::vector<ByteRange> Words(std::string_view text) {
  std::vector<ByteRange> words;
  for (std::size_t at = 0; at < text.size();) {
    if (!IsWordByte(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at++;
    const auto goes_on = [&] {
      return IsUtf8Continuation(text[at]) || (!IsWholeWord(text[begin]) && !IsWholeWord(text[at]));
    };
    while (at < text.size() && IsWordByte(text[at]) && goes_on()) ++at;
    words.push_back({begin, at});
  }
  return words;
}

// The words of one stretch of text, as numbers that are the same where the words are.
class Stretch {
 public:
  explicit Stretch(std::string_view text) : text_(text), words_(Words(text)) {
    for (const ByteRange& word : words_) {
      hashes_.push_back(std::hash<std::string>()(LowerAscii(word.Of(text))));
    }
  }

  void MarkRepeats(Marks& marks, std::size_t offset) const {
    std::vector<bool> repeats(words_.size(), false);
    FindStretches(repeats);
    FindSentences(repeats);
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (!repeats[i]) continue;
      for (std::size_t at = BeginOf(i); at < BeginOf(i + 1); ++at) marks[offset + at] = false;
    }
  }

 private:
  // Where a word's bytes begin: punctuation belongs to the word before, the space behind it and all
  // after that to the next one, as tokenizers have it.
  std::size_t BeginOf(std::size_t word) const {
    if (word == 0) return 0;
    if (word == words_.size()) return text_.size();
    std::size_t at = words_[word - 1].end;
    while (at < words_[word].begin && !IsSpace(text_[at])) ++at;
    return at;
  }

  std::size_t HashOf(std::size_t first, std::size_t count) const {
    std::size_t hash = count;
    for (std::size_t i = first; i < first + count; ++i)
      hash = hash * 0x9E3779B97F4A7C15U + hashes_[i];
    return hash;
  }

  void FindStretches(std::vector<bool>& repeats) const {
    std::unordered_set<std::size_t> seen;
    for (std::size_t i = 0; i + kLeastStretch <= words_.size(); ++i) {
      if (seen.insert(HashOf(i, kLeastStretch)).second) continue;
      for (std::size_t k = i; k < i + kLeastStretch; ++k) repeats[k] = true;
    }
  }

  void FindSentences(std::vector<bool>& repeats) const {
    std::unordered_set<std::size_t> seen;
    std::size_t word = 0;
    for (const ByteRange& sentence : SplitSentences(text_)) {
      while (word < words_.size() && words_[word].begin < sentence.begin) ++word;
      const std::size_t first = word;
      while (word < words_.size() && words_[word].end <= sentence.end) ++word;
      if (word - first < kLeastSentence || seen.insert(HashOf(first, word - first)).second)
        continue;
      for (std::size_t k = first; k < word; ++k) repeats[k] = true;
    }
  }

  std::string_view text_;
  std::vector<ByteRange> words_;
  std::vector<std::size_t> hashes_;
};

// Loops within what looks like a word.
void MarkLoops(std::string_view text, Marks& marks, std::size_t offset) {
  for (std::size_t round = 1; round <= kLoopBytes; ++round) {
    std::size_t length = 0;
    for (std::size_t i = round; i < text.size(); ++i) {
      length = text[i] == text[i - round] ? length + 1 : 0;
      if (length < kLeastLoop) continue;
      const std::size_t fresh = length == kLeastLoop ? kLeastLoop : 1;
      for (std::size_t k = 0; k < fresh; ++k) marks[offset + i - k] = false;
    }
  }
}

void MarkRuns(std::string_view text, Marks& marks) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool goes_on = i > 0 && !IsWordByte(text[i]) &&
                         (text[i] == text[i - 1] || (IsSpace(text[i]) && IsSpace(text[i - 1])));
    length = goes_on ? length + 1 : 1;
    if (length > kRunBytes) marks[i] = false;
  }
}

// The insides of what stands between quotation marks, escapes and all.
std::vector<ByteRange> Strings(std::string_view text) {
  std::vector<ByteRange> strings;
  for (std::size_t at = text.find('"'); at != std::string_view::npos; at = text.find('"', at)) {
    const std::size_t begin = ++at;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    at = std::min(at, text.size());
    strings.push_back({begin, at});
    if (at < text.size()) ++at;
  }
  return strings;
}

}  // namespace

int CountUsefulTokens(std::span<const std::string_view> tokens, TextForm form) {
  std::string text;
  for (const std::string_view token : tokens) text += token;
  Marks marks(text.size(), true);
  if (form == TextForm::kProse) {
    Stretch(text).MarkRepeats(marks, 0);
    MarkLoops(text, marks, 0);
  } else {
    for (const ByteRange& inside : Strings(text)) {
      Stretch(inside.Of(text)).MarkRepeats(marks, inside.begin);
      MarkLoops(inside.Of(text), marks, inside.begin);
    }
  }
  MarkRuns(text, marks);
  int useful = 0;
  std::size_t at = 0;
  for (const std::string_view token : tokens) {
    const std::size_t end = at + token.size();
    while (at < end && !marks[at]) ++at;
    if (at < end) ++useful;
    at = end;
  }
  return useful;
}

int CountUsefulTokens(const LanguageModel& model, std::span<const TokenId> said,
                      std::string_view stop, TextForm form) {
  std::string text;
  for (const TokenId id : said) text += model.TokenBytes(id);
  std::size_t left = stop.empty() ? text.size() : std::min(text.rfind(stop), text.size());
  std::vector<std::string_view> tokens;
  for (const TokenId id : said) {
    tokens.push_back(model.TokenBytes(id).substr(0, left));
    left -= tokens.back().size();
  }
  return CountUsefulTokens(tokens, form);
}

}  // namespace kinglet
