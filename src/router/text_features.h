// SPDX-License-Identifier: Apache-2.0
// The words of a text, and of what they are made, as a sparse vector: n-grams of words and of
// characters, hashed (Weinberger et al. 2009), so that there is no vocabulary to keep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_range.h"

namespace kinglet {

// Entries of a vector: half for n-grams of words, half for those of characters. Four times as many
// tell CLINC150's 150 intents apart no better.
inline constexpr std::size_t kFeatureBuckets = std::size_t{1} << 14U;
// What a text says after that is not looked at. An embedder too reads a beginning alone.
inline constexpr std::size_t kMaxFeatureBytes = 4096;

struct TextFeature {
  std::uint32_t bucket = 0;
  float value = 0;

  friend bool operator==(const TextFeature&, const TextFeature&) = default;
};

// Whether a text is white space alone, or nothing.
bool IsBlank(std::string_view text);

// The words that are looked at, a space between them: texts of the same words have one vector.
std::string SeenWords(std::string_view text);

// In the order of buckets. 1 + ln(count), the n-grams of words of length 1, those of characters
// too. Empty where the text holds no word.
std::vector<TextFeature> TextFeatures(std::string_view text);

// A word of a text, and the n-grams that it is part of.
struct WordFeatures {
  ByteRange range;  // of the text
  // Values as TextFeatures has them, an n-gram's shared evenly among its occurrences and words:
  // those of all words sum to the text's.
  std::vector<TextFeature> features;
};
std::vector<WordFeatures> FeaturesOfWords(std::string_view text);

}  // namespace kinglet
