// SPDX-License-Identifier: Apache-2.0
// Text by text; the sums are in double precision.
#include "eval/embeddings.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "tensor/safetensors.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxJsonBytes = std::size_t{64} << 20;

Result<std::vector<TokenId>> ReadTokens(const json::value& sentence) {
  const json::value* tokens = Find(sentence, "tokens");
  if (tokens == nullptr || !tokens->is_array()) {
    return Error(StatusCode::kInvalidInput, "a sentence has no array of tokens");
  }
  std::vector<TokenId> ids;
  for (const json::value& token : tokens->as_array()) {
    if (!token.is_int64() || token.as_int64() < 0 ||
        token.as_int64() > std::numeric_limits<TokenId>::max()) {
      return Error(StatusCode::kInvalidInput, "a token is no id");
    }
    ids.push_back(static_cast<TokenId>(token.as_int64()));
  }
  return ids;
}

Result<std::vector<std::vector<TokenId>>> ReadTexts(const std::filesystem::path& path) {
  const json::value golden = TRY(ParseJson(TRY(ReadFile(path, kMaxJsonBytes))));
  const json::value* sentences = Find(golden, "sentences");
  if (sentences == nullptr || !sentences->is_array() || sentences->as_array().empty()) {
    return Error(StatusCode::kInvalidInput, "there are no sentences");
  }
  std::vector<std::vector<TokenId>> texts;
  for (const json::value& sentence : sentences->as_array()) {
    texts.push_back(TRY(ReadTokens(sentence)));
  }
  return texts;
}

// Of two vectors of any length. Not a number where one is none.
double Cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    a_squares += static_cast<double>(a[i]) * a[i];
    b_squares += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(a_squares * b_squares);
}

}  // namespace

Result<GoldenEmbeddings> ReadGoldenEmbeddings(const std::filesystem::path& path) {
  std::filesystem::path texts_path = path;
  std::filesystem::path vectors_path = path;
  GoldenEmbeddings golden;
  Result<std::vector<std::vector<TokenId>>> texts =
      ReadTexts(texts_path.replace_extension(".json"));
  if (!texts) {
    return std::unexpected(texts.error().WithContext(EscapeForDisplay(texts_path.string())));
  }
  golden.texts = *std::move(texts);
  const SafetensorsFile file =
      TRY(SafetensorsFile::Open(vectors_path.replace_extension(".safetensors")));
  const Tensor* tensor = file.FindTensor("embeddings");
  golden.width = tensor == nullptr ? 0 : tensor->columns();
  const std::uint64_t shape[] = {golden.width, golden.texts.size()};
  Result<std::vector<float>> vectors = file.Floats("embeddings", shape);
  if (!vectors) {
    return std::unexpected(vectors.error().WithContext(EscapeForDisplay(vectors_path.string())));
  }
  golden.vectors = *std::move(vectors);
  return golden;
}

Result<EmbeddingFidelity> MeasureEmbeddings(Encoder& encoder, const GoldenEmbeddings& golden) {
  if (golden.width != encoder.width()) {
    return Error(StatusCode::kInvalidInput, "golden vectors of {} values, but the model makes {}",
                 golden.width, encoder.width());
  }
  EmbeddingFidelity result;
  result.texts = golden.texts.size();
  result.cosine_min = 1;
  std::vector<float> vectors(golden.vectors.size());
  const double start_ms = MonotonicMs();
  TRY(encoder.Embed(golden.texts, vectors));
  const double seconds = (MonotonicMs() - start_ms) / 1000;
  for (std::size_t i = 0; i < vectors.size(); i += golden.width) {
    const double cosine = Cosine(std::span(vectors).subspan(i, golden.width),
                                 std::span(golden.vectors).subspan(i, golden.width));
    result.cosine_min = std::isnan(cosine) ? -1 : std::min(result.cosine_min, cosine);
  }
  result.texts_per_s = static_cast<double>(result.texts) / std::max(seconds, 1e-6);
  return result;
}

}  // namespace kinglet
