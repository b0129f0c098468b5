// SPDX-License-Identifier: Apache-2.0
// One walk over the n-grams serves both: a list of occurrences, each with its words.
#include "router/text_features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"
#include "text/hash.h"
#include "text/jinja_text.h"
#include "text/plain_words.h"

namespace kinglet {
namespace {

constexpr std::size_t kMinCharacters = 2, kMaxCharacters = 5;  // of an n-gram of characters
constexpr std::uint64_t kWordSeed = 1, kCharacterSeed = 2;     // of hashes: part of trained heads
constexpr std::size_t kHalf = kFeatureBuckets / 2;

struct Occurrence {
  std::uint32_t bucket;
  std::uint32_t word;
  bool with_next;  // an n-gram of this word and the one after it
};

std::uint32_t WordBucket(std::string_view words) {
  return static_cast<std::uint32_t>(HashBytes(words, kWordSeed) % kHalf);
}

std::uint32_t CharacterBucket(std::string_view characters) {
  return static_cast<std::uint32_t>(kHalf + HashBytes(characters, kCharacterSeed) % kHalf);
}

// N-grams of the characters of " word ": they know where a word begins and ends, and none spans
// two.
void AddCharacters(std::string_view word, std::uint32_t index, std::vector<Occurrence>& out) {
  std::string padded = " ";
  padded += word;
  padded += ' ';
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < padded.size();) {
    starts.push_back(at);
    at += DecodeUtf8(std::string_view(padded).substr(at)).size_bytes;
  }
  starts.push_back(padded.size());
  const std::size_t characters = starts.size() - 1;
  for (std::size_t n = kMinCharacters; n <= std::min(kMaxCharacters, characters); ++n) {
    for (std::size_t i = 0; i + n <= characters; ++i) {
      const auto gram = std::string_view(padded).substr(starts[i], starts[i + n] - starts[i]);
      out.push_back({CharacterBucket(gram), index, false});
    }
  }
}

std::vector<Occurrence> Occurrences(std::string_view text, std::vector<ByteRange>& words) {
  std::vector<Occurrence> out;
  std::string before;
  for (PlainWords reader(Utf8Beginning(text, kMaxFeatureBytes)); reader.Next();) {
    const auto index = static_cast<std::uint32_t>(words.size());
    words.push_back(reader.range());
    out.push_back({WordBucket(reader.word()), index, false});
    if (index > 0) out.push_back({WordBucket(before + ' ' + reader.word()), index - 1, true});
    AddCharacters(reader.word(), index, out);
    before = reader.word();
  }
  return out;
}

// The text's vector of these occurrences, sorted by bucket; counts[i] is how often features[i] is
// there.
struct Counted {
  std::vector<TextFeature> features;
  std::vector<float> counts;
};

Counted Count(std::vector<Occurrence>& occurrences) {
  std::ranges::sort(occurrences, {}, &Occurrence::bucket);
  Counted counted;
  for (std::size_t i = 0; i < occurrences.size();) {
    std::size_t end = i;
    while (end < occurrences.size() && occurrences[end].bucket == occurrences[i].bucket) ++end;
    const auto count = static_cast<float>(end - i);
    counted.features.push_back({occurrences[i].bucket, 1 + std::log(count)});
    counted.counts.push_back(count);
    i = end;
  }
  std::array<double, 2> squares = {0, 0};
  for (const auto& [bucket, value] : counted.features) squares[bucket / kHalf] += value * value;
  for (auto& [bucket, value] : counted.features) {
    value = static_cast<float>(value / std::sqrt(squares[bucket / kHalf]));
  }
  return counted;
}

}  // namespace

bool IsBlank(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character first = DecodeUtf8(text);
    if (!jinja::IsSpace(first.code_point)) return false;
    text.remove_prefix(first.size_bytes);
  }
  return true;
}

std::string SeenWords(std::string_view text) {
  std::string words;
  for (PlainWords reader(Utf8Beginning(text, kMaxFeatureBytes)); reader.Next();) {
    if (!words.empty()) words += ' ';
    words += reader.word();
  }
  return words;
}

std::vector<TextFeature> TextFeatures(std::string_view text) {
  std::vector<ByteRange> words;
  std::vector<Occurrence> occurrences = Occurrences(text, words);
  return Count(occurrences).features;
}

std::vector<WordFeatures> FeaturesOfWords(std::string_view text) {
  std::vector<ByteRange> ranges;
  std::vector<Occurrence> occurrences = Occurrences(text, ranges);
  const Counted counted = Count(occurrences);
  std::vector<WordFeatures> words(ranges.size());
  for (std::size_t i = 0; i < ranges.size(); ++i) words[i].range = ranges[i];
  std::size_t at = 0;
  for (const Occurrence& one : occurrences) {  // sorted by Count
    while (counted.features[at].bucket != one.bucket) ++at;
    const float share = counted.features[at].value / counted.counts[at];
    words[one.word].features.push_back({one.bucket, one.with_next ? share / 2 : share});
    if (one.with_next) words[one.word + 1].features.push_back({one.bucket, share / 2});
  }
  return words;
}

}  // namespace kinglet
