// SPDX-License-Identifier: Apache-2.0
// Keys to numbers: what a sound file says, and each way in which it can say nonsense.
#include "model/config.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model_for_test.h"

namespace kinglet {
namespace {

using testing::HasSubstr;

Result<ModelConfig> ConfigOf(const GgufForTest& file) {
  const std::string bytes = file.Bytes();
  return ReadModelConfig(GgufFile::Parse(std::as_bytes(std::span(bytes))).value());
}

// Takes a key away; its name is the text after the length that each key begins with.
void Drop(GgufForTest& file, std::string_view name) {
  std::erase_if(file.keys, [&](const std::string& key) {
    return std::string_view(key).substr(8, name.size()) == name;
  });
}

GgufForTest With(std::string_view name, std::uint32_t value) {
  GgufForTest file = ModelForTest();
  Drop(file, name);
  file.Uint32(name, value);
  return file;
}

TEST(ModelConfig, ReadsASoundModel) {
  const ModelConfig config = ConfigOf(ModelForTest()).value();
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.block_count, 1U);
  EXPECT_EQ(config.context_length, 64U);
  EXPECT_EQ(config.head_dim, 8U);
  EXPECT_EQ(config.value_dim, 8U);
  EXPECT_EQ(config.rope_dim, 8U);
  EXPECT_EQ(config.rope_base, 10000.0);
  EXPECT_EQ(config.rope_scale, 1.0);
  EXPECT_EQ(config.vocab_size, 6U);
  EXPECT_EQ(config.query_width(), 16U);
  EXPECT_EQ(config.key_width(), 8U);
  EXPECT_EQ(config.expert_count, 0U);
}

TEST(ModelConfig, TakesAsManyKeyValueHeadsAsHeadsWhereTheyAreNotTold) {
  GgufForTest file = ModelForTest();
  Drop(file, "llama.attention.head_count_kv");
  EXPECT_EQ(ConfigOf(file).value().kv_head_count, 2U);
}

TEST(ModelConfig, ReadsScalingOfRotation) {
  GgufForTest file = ModelForTest();
  file.Key("llama.rope.scaling.factor", GgufType::kFloat32, 4.0F);
  EXPECT_EQ(ConfigOf(file).value().rope_scale, 4.0);
  file.Text("llama.rope.scaling.type", "none");
  EXPECT_EQ(ConfigOf(file).value().rope_scale, 1.0);
  Drop(file, "llama.rope.scaling.type");
  file.Text("llama.rope.scaling.type", "longrope");
  EXPECT_THAT(ConfigOf(file).error().message(),
              HasSubstr("is \"longrope\"; none, linear and yarn"));
}

TEST(ModelConfig, ReadsYarn) {
  GgufForTest file = ModelForTest();
  file.Text("llama.rope.scaling.type", "yarn");
  file.Key("llama.rope.scaling.factor", GgufType::kFloat32, 4.0F);
  ModelConfig config = ConfigOf(file).value();
  EXPECT_EQ(config.rope_scaling, RopeScaling::kYarn);
  EXPECT_EQ(config.rope_scale, 4.0);
  EXPECT_EQ(config.rope_original_context, 64U);  // the model's own
  file.Uint32("llama.rope.scaling.original_context_length", 16);
  file.Key("llama.rope.scaling.attn_factor", GgufType::kFloat32, 0.5F);
  config = ConfigOf(file).value();
  EXPECT_EQ(config.rope_original_context, 16U);
  EXPECT_EQ(config.rope_attention_factor, 0.5);
  file.Key("llama.rope.freq_base", GgufType::kFloat32, 1.0F);  // its logarithm divides
  EXPECT_THAT(ConfigOf(file).error().message(), HasSubstr("is 1, which YaRN cannot scale"));
}

TEST(ModelConfig, TakesANumberLayerByLayerWhereAllAreTheSame) {
  GgufForTest file = ModelForTest();
  Drop(file, "llama.attention.head_count_kv");
  Drop(file, "llama.block_count");
  file.Uint32("llama.block_count", 2);
  const auto with = [&](const std::vector<std::int32_t>& heads) {
    GgufForTest copy = file;
    copy.Array("llama.attention.head_count_kv", GgufType::kInt32, heads);
    return ConfigOf(copy);
  };
  EXPECT_EQ(with({1, 1}).value().kv_head_count, 1U);
  EXPECT_THAT(with({1, 2}).error().message(), HasSubstr("differs from layer to layer"));
  EXPECT_THAT(with({1}).error().message(), HasSubstr("has 1 elements for 2 layers"));
  EXPECT_THAT(with({0, 0}).error().message(), HasSubstr("is 0, not 1 to"));
}

TEST(ModelConfig, NamesTheArchitectureThatItDoesNotKnow) {
  GgufForTest file = ModelForTest();
  Drop(file, "general.architecture");
  EXPECT_EQ(ConfigOf(file).error().message(), "key \"general.architecture\" is missing");
  file.Text("general.architecture", "none\x1bsuch");
  EXPECT_EQ(
      ConfigOf(file).error().message(),
      "key \"general.architecture\" is \"none\\x1Bsuch\", which is not known; known: llama, qwen2, "
      "qwen3, qwen3moe, olmoe, gemma3, bert");
}

TEST(ModelConfig, RefusesNumbersThatMakeNoSense) {
  struct Case {
    const char* key;
    std::uint32_t value;
    const char* message;
  };
  constexpr Case kCases[] = {
      {"llama.block_count", 0, "\"llama.block_count\" is 0, not 1 to 1024"},
      {"llama.block_count", 0xffffffff, "\"llama.block_count\" is 4294967295, not 1 to 1024"},
      {"llama.attention.head_count", 0, "\"llama.attention.head_count\" is 0, not 1 to 4096"},
      {"llama.attention.head_count", 3, "\"llama.attention.key_length\" is missing"},
      {"llama.attention.head_count_kv", 3, "is 3, which does not divide the 2 heads"},
      {"llama.attention.head_count_kv", 0, "is 0, not 1 to 4096"},
      {"llama.context_length", 0, "\"llama.context_length\" is 0"},
      {"llama.embedding_length", 1U << 21, "\"llama.embedding_length\" is 2097152, not 1 to"},
      {"llama.feed_forward_length", 0, "\"llama.feed_forward_length\" is 0"},
      {"llama.rope.dimension_count", 7, "7 dimensions of a head of 8 rotate"},
      {"llama.rope.dimension_count", 10, "10 dimensions of a head of 8 rotate"},
      {"llama.expert_count", 4, "\"llama.expert_used_count\" is 0 of 4 experts"},
      {"llama.expert_used_count", 2, "\"llama.expert_used_count\" is 2 of 0 experts"},
      {"llama.vocab_size", 7, "is 7, but tensor \"token_embd.weight\" has 6 rows"},
      {"llama.rope.freq_base", 10000, "is of type uint32, not a float"},
      {"llama.attention.layer_norm_rms_epsilon", 0, "is of type uint32, not a float"},
  };
  for (const Case& c : kCases) {
    const auto config = ConfigOf(With(c.key, c.value));
    ASSERT_FALSE(config) << c.key << " " << c.value;
    EXPECT_EQ(config.error().code(), StatusCode::kInvalidInput);
    EXPECT_THAT(config.error().message(), HasSubstr(c.message));
  }
}

TEST(ModelConfig, RefusesWidthsWhoseBuffersWouldFillTheMemory) {
  EXPECT_THAT(ConfigOf(With("llama.embedding_length", 1U << 20)).error().message(),
              HasSubstr("is 1048576, not 1 to"));
  EXPECT_THAT(ConfigOf(With("llama.feed_forward_length", 1U << 24)).error().message(),
              HasSubstr("is 16777216, not 1 to"));
  GgufForTest file = With("llama.attention.head_count", 4096);
  file.Uint32("llama.attention.key_length", 4096).Uint32("llama.attention.value_length", 4096);
  EXPECT_THAT(ConfigOf(file).error().message(), HasSubstr("4096 heads of 4096 are wider than"));
}

TEST(ModelConfig, RefusesAMixtureThatItsFamilyDoesNotHaveOrNoMemoryHolds) {
  GgufForTest file = With("llama.expert_count", 64);
  file.Uint32("llama.expert_used_count", 64).Uint32("llama.expert_feed_forward_length", 16384);
  EXPECT_THAT(ConfigOf(file).error().message(),
              HasSubstr("\"llama.expert_used_count\": 64 experts of 16384 are wider than"));
  file = ModelForTest();
  for (std::string& key : file.keys) {
    for (std::size_t at = 0; (at = key.find("llama", at)) != std::string::npos;) {
      key.replace(at, 5, "qwen2");
    }
  }
  file.Uint32("qwen2.expert_count", 4).Uint32("qwen2.expert_used_count", 2);
  EXPECT_EQ(ConfigOf(file).error().message(),
            "key \"qwen2.expert_count\" is 4; a qwen2 model has no experts");
}

TEST(ModelConfig, AnExpertMayHaveAWidthOfItsOwn) {
  GgufForTest file = With("llama.expert_count", 4);
  file.Uint32("llama.expert_used_count", 2);
  EXPECT_EQ(ConfigOf(file).value().feed_forward_length, 32U);
  file.Uint32("llama.expert_feed_forward_length", 24);
  EXPECT_EQ(ConfigOf(file).value().feed_forward_length, 24U);
}

TEST(ModelConfig, RefusesNumbersThatAreNotFinite) {
  GgufForTest file = ModelForTest();
  file.Key("llama.rope.freq_base", GgufType::kFloat32, std::numeric_limits<float>::infinity());
  EXPECT_THAT(ConfigOf(file).error().message(), HasSubstr("\"llama.rope.freq_base\" is inf"));
}

TEST(ModelConfig, RefusesAVocabularyOfAnotherSizeThanTheEmbedding) {
  GgufForTest file = ModelForTest();
  Drop(file, "tokenizer.ggml.tokens");
  file.Texts("tokenizer.ggml.tokens", std::vector<std::string>{"a"});
  EXPECT_THAT(ConfigOf(file).error().message(), HasSubstr("has 1 tokens, but tensor"));
  file = ModelForTest();
  file.Find("token_embd.weight").name = "embed";
  EXPECT_EQ(ConfigOf(file).error().message(), "tensor \"token_embd.weight\" is missing");
}

}  // namespace
}  // namespace kinglet
