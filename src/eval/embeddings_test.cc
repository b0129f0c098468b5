// SPDX-License-Identifier: Apache-2.0
// Angles between vectors that are known, and goldens that do not fit.
#include "eval/embeddings.h"

#include <cmath>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "model/encoder_for_test.h"

namespace kinglet {
namespace {

using testing::HasSubstr;

// An encoder and, as goldens, the vectors that it makes itself.
struct OwnGoldens {
  OwnGoldens() : bytes(BertForTest().Bytes()) {
    encoder =
        Encoder::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(), {.thread_count = 1})
            .value();
    golden.texts = {{2, 4, 5, 3}, {2, 8, 7, 6, 3}};
    golden.width = encoder->width();
    golden.vectors.resize(2 * golden.width);
    EXPECT_TRUE(encoder->Embed(golden.texts, golden.vectors));
  }
  std::string bytes;
  std::unique_ptr<Encoder> encoder;
  GoldenEmbeddings golden;
};

TEST(EmbeddingsTest, TheWorstTextDecides) {
  OwnGoldens own;
  const auto same = MeasureEmbeddings(*own.encoder, own.golden);
  ASSERT_TRUE(same.has_value());
  EXPECT_EQ(same->texts, 2U);
  EXPECT_NEAR(same->cosine_min, 1, 1e-7);
  EXPECT_GT(same->texts_per_s, 0);
  // The second golden vector turned by 60 degrees towards one at a right angle to it.
  const std::size_t width = own.golden.width;
  const std::span<float> second = std::span(own.golden.vectors).subspan(width);
  std::vector<float> across(width);
  for (std::size_t i = 0; i < width; i += 2) {
    across[i] = -second[i + 1];
    across[i + 1] = second[i];
  }
  for (std::size_t i = 0; i < width; ++i) {
    second[i] = 0.5F * second[i] + std::sqrt(0.75F) * across[i];
  }
  EXPECT_NEAR(MeasureEmbeddings(*own.encoder, own.golden)->cosine_min, 0.5, 1e-6);
}

TEST(EmbeddingsTest, RefusesGoldensOfAnotherWidth) {
  OwnGoldens own;
  own.golden.width = 16;
  EXPECT_EQ(MeasureEmbeddings(*own.encoder, own.golden).error().message(),
            "golden vectors of 16 values, but the model makes 32");
}

TEST(EmbeddingsTest, ReadsTheTwoFilesOfAGolden) {
  std::string name = (std::filesystem::temp_directory_path() / "goldensXXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::filesystem::path folder = name;
  const auto json_path = folder / "g.json";
  const auto write = [](const std::filesystem::path& path, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomic(path, text));
  };
  write(json_path, R"({"sentences": [{"tokens": [2, 3]}, {"tokens": [2, 4, 3]}]})");
  std::string header = R"({"embeddings":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  ByteWriter file;
  file.Number(std::uint64_t{header.size()}).Raw(header);
  for (int i = 0; i < 6; ++i) file.Number(static_cast<float>(i));
  write(folder / "g.safetensors", file.bytes());
  for (const char* extension : {"g.json", "g.safetensors"}) {
    const auto golden = ReadGoldenEmbeddings(folder / extension);
    ASSERT_TRUE(golden.has_value()) << golden.error().message();
    EXPECT_EQ(golden->texts, (std::vector<std::vector<TokenId>>{{2, 3}, {2, 4, 3}}));
    EXPECT_EQ(golden->width, 3U);
    EXPECT_EQ(golden->vectors[5], 5.0F);
  }
  for (const char* broken : {"{}", R"({"sentences": []})", R"({"sentences": [{"tokens": 3}]})",
                             R"({"sentences": [{"tokens": [-1]}, {"tokens": []}]})",
                             R"({"sentences": [{"tokens": [1]}]})"}) {  // fewer than vectors
    write(json_path, broken);
    const auto golden = ReadGoldenEmbeddings(json_path);
    ASSERT_FALSE(golden.has_value()) << broken;
    EXPECT_EQ(golden.error().code(), StatusCode::kInvalidInput);
    EXPECT_THAT(golden.error().message(), HasSubstr("/g."));
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kinglet
