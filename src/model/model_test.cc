// SPDX-License-Identifier: Apache-2.0
// Loading refuses by name what it cannot compute; a loaded model survives what weights may hold.
#include "model/model.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "model/model_for_test.h"

namespace kinglet {
namespace {

// A file's bytes at an aligned address, and the model in them.
struct Loaded {
  explicit Loaded(const GgufForTest& file, const ModelOptions& options = {}) {
    const std::string written = file.Bytes();
    storage.resize((written.size() + 15) / 16);
    std::memcpy(storage.data(), written.data(), written.size());
    const std::span bytes(reinterpret_cast<const std::byte*>(storage.data()), written.size());
    auto parsed = GgufFile::Parse(bytes);
    if (parsed) {
      model = Model::Load(*std::move(parsed), options);
    } else {
      model = std::unexpected(parsed.error());
    }
  }
  std::string error() const { return model ? "no error" : model.error().message(); }

  struct alignas(16) Block {
    char bytes[16];
  };
  std::vector<Block> storage;
  Result<std::unique_ptr<Model>> model = nullptr;
};

// Every architecture that the config reader knows has its row: none aborts, and none is unknown.
TEST(ModelTest, LoadsTheSmallestFile) {
  const Loaded loaded(ModelForTest());
  ASSERT_TRUE(loaded.model.has_value()) << loaded.error();
  EXPECT_EQ((*loaded.model)->context_tokens(), 64U);
}

TEST(ModelTest, RefusesByNameWhatItCannotCompute) {
  GgufForTest file = ModelForTest();
  file.Find("blk.0.ffn_up.weight").dtype = static_cast<std::uint32_t>(DType::kF64);
  file.data.resize(file.data.size() + 4096);  // room for the wider type
  EXPECT_EQ(Loaded(file).model.error().code(), StatusCode::kInvalidInput);
}

TEST(ModelTest, AContextBeyondTheModelsIsWrongUsage) {
  const Loaded loaded(ModelForTest(), {.context_tokens = 65});
  ASSERT_FALSE(loaded.model.has_value());
  EXPECT_EQ(loaded.model.error().code(), StatusCode::kUsage);
  EXPECT_EQ(loaded.error(), "a context of 65 tokens was asked for; the model has 64");
}

TEST(ModelTest, AContextThatNoMemoryCouldHoldIsWrongUsage) {
  GgufForTest file = ModelForTest();
  file.keys.erase(std::ranges::find_if(file.keys, [](const std::string& key) {
    return key.find("llama.context_length") != std::string::npos;
  }));
  file.Uint32("llama.context_length", 1U << 30);
  const Loaded loaded(file, {.thread_count = 2, .context_tokens = 1U << 30});
  EXPECT_EQ(loaded.error(), "a context of 1073741824 tokens was asked for; the limit is 67108864");
}

TEST(ModelTest, AnIdOutsideTheVocabularyLeavesTheCacheAsItWas) {
  const Loaded loaded(ModelForTest());
  ASSERT_TRUE(loaded.model.has_value());
  KvSequence sequence = (*loaded.model)->NewSequence();
  const std::vector<TokenId> good = {1, 4};
  ASSERT_TRUE((*loaded.model)->Forward(good, sequence));
  for (const TokenId id : {-1, 6, std::numeric_limits<TokenId>::max()}) {
    const std::vector<TokenId> bad = {4, id};
    EXPECT_EQ((*loaded.model)->Forward(bad, sequence).error().code(), StatusCode::kUsage);
    EXPECT_EQ(sequence.length(), 2U);
  }
}

TEST(ModelTest, WeightsThatAreNoNumbersAreHarmless) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    GgufForTest file = ModelForTest();
    const std::size_t at = file.Find("blk.0.attn_q.weight").offset;
    std::memcpy(&file.data[at], &bad, sizeof(bad));
    const Loaded loaded(file);
    ASSERT_TRUE(loaded.model.has_value()) << loaded.error();
    KvSequence sequence = (*loaded.model)->NewSequence();
    const std::vector<TokenId> tokens = {1, 4, 5};
    ASSERT_TRUE((*loaded.model)->Forward(tokens, sequence));
    EXPECT_EQ((*loaded.model)->Logits(2).size(), 6U);
  }
}

}  // namespace
}  // namespace kinglet
