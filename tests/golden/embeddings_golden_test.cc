// SPDX-License-Identifier: Apache-2.0
// What an encoder says, against vectors that were computed in double precision.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "eval/embeddings.h"
#include "model/bert_safetensors.h"

namespace kinglet {
namespace {

// The worst text's cosine.
double CosineMin(const std::filesystem::path& model, const std::filesystem::path& golden_path,
                 std::size_t text_count, bool exact) {
  const auto golden = ReadGoldenEmbeddings(golden_path);
  EXPECT_TRUE(golden.has_value()) << golden.error().message();
  auto file = OpenModelFile(model);
  EXPECT_TRUE(file.has_value()) << file.error().message();
  const auto encoder = Encoder::Load(*std::move(file), {.thread_count = 2, .exact = exact});
  EXPECT_TRUE(encoder.has_value()) << encoder.error().message();
  const auto fidelity = MeasureEmbeddings(**encoder, *golden);
  EXPECT_TRUE(fidelity.has_value());
  EXPECT_EQ(fidelity->texts, text_count);
  return fidelity->cosine_min;
}

TEST(EmbeddingsGoldenTest, BertSaysWhatItsWeightsSay) {
  const char* const shared = std::getenv("KINGLET_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "KINGLET_SHARED is not set";
  const std::filesystem::path data = std::filesystem::path(shared) / "data";
  const auto model = data / "tiny-models/bert-f32.gguf";
  const auto golden = data / "goldens/embeddings/bert-f32.safetensors";
  EXPECT_GE(CosineMin(model, golden, 7, /*exact=*/true), 1 - 1e-10);
  EXPECT_GE(CosineMin(model, golden, 7, /*exact=*/false), 1 - 5e-4);
}

TEST(EmbeddingsGoldenTest, MiniLmSaysWhatItsWeightsSay) {
  const char* const shared = std::getenv("KINGLET_SHARED");
  const char* const models = std::getenv("KINGLET_TEST_MODELS");
  if (shared == nullptr || models == nullptr) {
    GTEST_SKIP() << "KINGLET_SHARED or KINGLET_TEST_MODELS is not set";
  }
  const auto model = std::filesystem::path(models) / "all-MiniLM-L6-v2";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "all-MiniLM-L6-v2 is not there";
  const auto golden =
      std::filesystem::path(shared) / "data/goldens/embeddings/all-minilm-l6-v2.safetensors";
  EXPECT_GE(CosineMin(model, golden, 64, /*exact=*/true), 1 - 1e-10);
  EXPECT_GE(CosineMin(model, golden, 64, /*exact=*/false), 0.999);
}

}  // namespace
}  // namespace kinglet
