// SPDX-License-Identifier: Apache-2.0
// An embedder whose vectors are hashes of words: texts that share words are near.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "text/embedder.h"
#include "text/hash.h"
#include "text/plain_words.h"

namespace kinglet {

class HashEmbedder : public Embedder {
 public:
  explicit HashEmbedder(std::uint64_t seed = 1) : seed_(seed) {}

  std::size_t width() const override { return 16; }
  Result<std::vector<float>> Embed(std::span<const std::string> texts) override {
    std::vector<float> vectors;
    for (const std::string& text : texts) {
      std::vector<float> vector(width(), 0.01F);
      for (PlainWords words(text); words.Next();) {
        vector[HashBytes(words.word(), seed_) % width()] += 1;
      }
      float squares = 0;
      for (const float value : vector) squares += value * value;
      for (const float value : vector) vectors.push_back(value / std::sqrt(squares));
    }
    return vectors;
  }

 private:
  std::uint64_t seed_;
};

}  // namespace kinglet
