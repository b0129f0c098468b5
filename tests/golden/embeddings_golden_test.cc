// SPDX-License-Identifier: Apache-2.0
// What an encoder says, against vectors that were computed in double precision.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "eval/embeddings.h"

namespace kinglet {
namespace {

TEST(EmbeddingsGoldenTest, BertSaysWhatItsWeightsSay) {
  const char* const shared = std::getenv("KINGLET_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "KINGLET_SHARED is not set";
  const std::filesystem::path data = std::filesystem::path(shared) / "data";
  const auto golden = ReadGoldenEmbeddings(data / "goldens/embeddings/bert-f32.safetensors");
  ASSERT_TRUE(golden.has_value()) << golden.error().message();
  auto file = GgufFile::Open(data / "tiny-models/bert-f32.gguf");
  ASSERT_TRUE(file.has_value());
  const auto encoder = Encoder::Load(*std::move(file), 2);
  ASSERT_TRUE(encoder.has_value()) << encoder.error().message();
  const auto fidelity = MeasureEmbeddings(**encoder, *golden);
  ASSERT_TRUE(fidelity.has_value());
  EXPECT_EQ(fidelity->texts, 7U);
  EXPECT_GE(fidelity->cosine_min, 1 - 1e-10);
}

}  // namespace
}  // namespace kinglet
