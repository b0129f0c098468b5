// SPDX-License-Identifier: Apache-2.0
// Texts to vectors through the vocabulary and the weights of one file.
#include "engine/model_embedder.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "model/bert_safetensors.h"
#include "model/encoder_for_test.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ModelEmbedderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "embedderXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "bert.gguf";
    ASSERT_TRUE(WriteFileAtomic(path_, BertForTest().Bytes()));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_, path_;
};

TEST_F(ModelEmbedderTest, GivesEachTextItsVector) {
  const auto embedder = ModelEmbedder::Open(path_, {.thread_count = 1});
  ASSERT_TRUE(embedder.has_value()) << embedder.error().message();
  EXPECT_THAT((*embedder)->Encode("The cat sat."), ElementsAre(2, 4, 5, 6, 11, 3));
  const std::vector<std::string> texts = {"the cat sat", "the dogs", ""};
  const auto together = (*embedder)->Embed(texts);
  ASSERT_TRUE(together.has_value());
  ASSERT_EQ(together->size(), 3 * (*embedder)->width());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto alone = (*embedder)->Embed(std::span(texts).subspan(i, 1));
    ASSERT_TRUE(alone.has_value());
    EXPECT_TRUE(std::equal(alone->begin(), alone->end(),
                           together->begin() + static_cast<std::ptrdiff_t>(i * alone->size())));
  }
}

TEST_F(ModelEmbedderTest, KnowsWhatGoesBeforeATextButAddsItNot) {
  const auto plain = ModelEmbedder::Open(path_, {.thread_count = 1}).value();
  EXPECT_EQ(plain->query_prefix(), "");
  EXPECT_EQ(plain->passage_prefix(), "");
  GgufForTest file = BertForTest();
  file.Text(kQueryPrefixKey, "the ").Text(kPassagePrefixKey, "cat ");
  ASSERT_TRUE(WriteFileAtomic(path_, file.Bytes()));
  const auto prefixed = ModelEmbedder::Open(path_, {.thread_count = 1}).value();
  EXPECT_EQ(prefixed->query_prefix(), "the ");
  EXPECT_EQ(prefixed->passage_prefix(), "cat ");
  EXPECT_EQ(prefixed->Encode("sat"), plain->Encode("sat"));
}

TEST_F(ModelEmbedderTest, CutsALongTextAndStillEndsIt) {
  const auto embedder = ModelEmbedder::Open(path_, {.thread_count = 0});
  ASSERT_TRUE(embedder.has_value());
  std::string text = "cat";
  for (int i = 0; i < 60; ++i) text += " cat";
  const std::vector<TokenId> tokens = (*embedder)->Encode(text);
  ASSERT_EQ(tokens.size(), 40U);
  EXPECT_EQ(tokens.front(), 2);
  EXPECT_EQ(tokens[38], 5);
  EXPECT_EQ(tokens.back(), 3);
  EXPECT_TRUE((*embedder)->Embed(std::span(&text, 1)).has_value());
}

TEST_F(ModelEmbedderTest, NamesAFileThatMakesNoVectors) {
  const auto decoder =
      ModelEmbedder::Open(KINGLET_TEST_DATA "/models/stories-q4_0.gguf", {.thread_count = 1});
  ASSERT_FALSE(decoder.has_value());
  EXPECT_EQ(decoder.error().code(), StatusCode::kInvalidInput);
  EXPECT_THAT(decoder.error().message(),
              HasSubstr("stories-q4_0.gguf: a llama model makes text, and no vectors of texts"));
}

}  // namespace
}  // namespace kinglet
