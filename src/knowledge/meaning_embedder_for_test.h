// SPDX-License-Identifier: Apache-2.0
// An embedder whose meanings are known: those of cars and of boats.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "text/embedder.h"

namespace kinglet {

// A direction for each of a few meanings, whatever the word for it.
class MeaningEmbedder : public Embedder {
 public:
  explicit MeaningEmbedder(float turn = 0) : turn_(turn) {}

  std::size_t width() const override { return 4; }
  Result<std::vector<float>> Embed(std::span<const std::string> texts) override {
    std::vector<float> vectors;
    for (const std::string& text : texts) {
      ++count_;
      const auto has = [&text](const char* word) { return text.find(word) != std::string::npos; };
      float values[] = {0.1F, 0, 0, 0.2F};
      if (has("car") || has("automobile")) values[1] = 1;
      if (has("boat") || has("vessel")) values[2] = 1;
      values[3] += turn_;
      float squares = 0;
      for (const float value : values) squares += value * value;
      for (const float value : values) vectors.push_back(value / std::sqrt(squares));
    }
    return vectors;
  }
  int count() const { return count_; }

 private:
  float turn_;
  int count_ = 0;
};

}  // namespace kinglet
