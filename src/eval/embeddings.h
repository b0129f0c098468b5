// SPDX-License-Identifier: Apache-2.0
// How far an encoder's vectors are from those that its stored weights say when nothing else is
// rounded.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/status.h"
#include "model/encoder.h"

namespace kinglet {

struct GoldenEmbeddings {
  std::vector<std::vector<TokenId>> texts;  // their tokens
  std::size_t width = 0;
  std::vector<float> vectors;  // [texts][width], each of length 1
};

// NAME.safetensors with the array "embeddings" and beside it NAME.json with the tokens; `path` is
// one of the two. kInvalidInput names what is missing or does not fit.
Result<GoldenEmbeddings> ReadGoldenEmbeddings(const std::filesystem::path& path);

struct EmbeddingFidelity {
  std::size_t texts = 0;
  double cosine_min = 0;  // of the angle to the golden vector, at the worst text; -1: no number
  double texts_per_s = 0;
};

Result<EmbeddingFidelity> MeasureEmbeddings(Encoder& encoder, const GoldenEmbeddings& golden);

}  // namespace kinglet
