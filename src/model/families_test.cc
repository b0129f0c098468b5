// SPDX-License-Identifier: Apache-2.0
// What holds for each family: a token's logits have the same bits for every chunking and number of
// threads, and each tensor of a file has its part in them. Random weights, made here.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "model/model.h"
#include "model/model_for_test.h"

namespace kinglet {
namespace {

enum class Weights { kF32, kQ8_0, kMixed };  // mixed: every other one

// A file with random weights.
class RandomModel {
 public:
  RandomModel(std::string family, Weights weights) : family_(std::move(family)), weights_(weights) {
    Size("context_length", 64).Size("embedding_length", kWidth).Size("feed_forward_length", kInner);
    Size("attention.head_count", 4).Size("attention.head_count_kv", 2);
    Size("attention.key_length", kHead).Size("attention.value_length", kHead);
    file_.Key(family_ + ".attention.layer_norm_rms_epsilon", GgufType::kFloat32, 1e-5F);
    file_.Text("general.architecture", family_);
    Matrix("token_embd.weight", {kWidth, kVocabulary});
    Vector("output_norm.weight", kWidth);
  }

  RandomModel& Size(const std::string& key, std::uint32_t value) {
    file_.Uint32(family_ + "." + key, value);
    return *this;
  }
  // Norms lie about 1, so that none can be forgotten.
  RandomModel& Vector(const std::string& name, std::uint64_t size) {
    std::uniform_real_distribution<float> value(0.6F, 1.4F);
    file_.F32(name, {size}, 0);
    for (std::uint64_t i = 0; i < size; ++i) PutFloat(file_.data.size() - 4 * (size - i), value);
    return *this;
  }
  RandomModel& Matrix(const std::string& name, const std::vector<std::uint64_t>& shape) {
    std::uint64_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    const float scale = std::sqrt(3.0F / static_cast<float>(shape[0]));  // keeps the variance
    const bool odd = matrix_count_++ % 2 == 1;
    if (weights_ == Weights::kF32 || (weights_ == Weights::kMixed && odd) ||
        name.find("gate_inp") != std::string::npos) {
      std::uniform_real_distribution<float> value(-scale, scale);
      file_.F32(name, shape, 0);
      for (std::uint64_t i = 0; i < count; ++i) {
        PutFloat(file_.data.size() - 4 * (count - i), value);
      }
      return *this;
    }
    file_.data.resize((file_.data.size() + 31) / 32 * 32);
    file_.tensors.push_back(
        {name, shape, static_cast<std::uint32_t>(DType::kQ8_0), file_.data.size()});
    std::uniform_int_distribution<int> code(-127, 127);
    for (std::uint64_t block = 0; block < count / 32; ++block) {
      file_.data += ByteWriter().Number(std::uint16_t{0x1400}).bytes();  // 2^-10, about scale / 127
      for (int i = 0; i < 32; ++i) file_.data += static_cast<char>(code(random_));
    }
    return *this;
  }
  RandomModel& Layers(std::uint32_t count) {
    Size("block_count", count);
    for (std::uint32_t layer = 0; layer < count; ++layer) {
      const std::string blk = "blk." + std::to_string(layer) + ".";
      Vector(blk + "attn_norm.weight", kWidth).Vector(blk + "ffn_norm.weight", kWidth);
      Matrix(blk + "attn_q.weight", {kWidth, 4 * kHead});
      Matrix(blk + "attn_k.weight", {kWidth, 2 * kHead});
      Matrix(blk + "attn_v.weight", {kWidth, 2 * kHead});
      Matrix(blk + "attn_output.weight", {4 * kHead, kWidth});
      AddFamilyParts(blk);
    }
    return *this;
  }
  GgufForTest Done() { return std::move(file_); }

  static constexpr std::uint64_t kWidth = 64;
  static constexpr std::uint64_t kInner = 160;
  static constexpr std::uint64_t kHead = 32;
  static constexpr std::uint64_t kVocabulary = 48;
  static constexpr std::uint64_t kExperts = 5;

 private:
  void PutFloat(std::size_t at, std::uniform_real_distribution<float>& distribution) {
    const float value = distribution(random_);
    std::memcpy(&file_.data[at], &value, sizeof(value));
  }

  void AddFamilyParts(const std::string& blk) {
    if (family_ == "qwen2") {
      Vector(blk + "attn_q.bias", 4 * kHead).Vector(blk + "attn_k.bias", 2 * kHead);
      Vector(blk + "attn_v.bias", 2 * kHead);
    }
    if (family_ == "qwen3" || family_ == "qwen3moe" || family_ == "gemma3") {
      Vector(blk + "attn_q_norm.weight", kHead).Vector(blk + "attn_k_norm.weight", kHead);
    }
    if (family_ == "gemma3") {
      Vector(blk + "post_attention_norm.weight", kWidth);
      Vector(blk + "post_ffw_norm.weight", kWidth);
    }
    if (family_ == "olmoe") {
      Vector(blk + "attn_q_norm.weight", 4 * kHead).Vector(blk + "attn_k_norm.weight", 2 * kHead);
    }
    if (family_ == "qwen3moe" || family_ == "olmoe") {
      Matrix(blk + "ffn_gate_inp.weight", {kWidth, kExperts});
      Matrix(blk + "ffn_gate_exps.weight", {kWidth, kInner, kExperts});
      Matrix(blk + "ffn_up_exps.weight", {kWidth, kInner, kExperts});
      Matrix(blk + "ffn_down_exps.weight", {kInner, kWidth, kExperts});
    } else {
      Matrix(blk + "ffn_gate.weight", {kWidth, kInner})
          .Matrix(blk + "ffn_up.weight", {kWidth, kInner});
      Matrix(blk + "ffn_down.weight", {kInner, kWidth});
    }
  }

  std::string family_;
  Weights weights_;
  int matrix_count_ = 0;
  std::mt19937 random_{1};
  GgufForTest file_;
};

GgufForTest MakeModel(const std::string& family, Weights weights) {
  RandomModel model(family, weights);
  if (family == "llama" || family == "gemma3") model.Size("attention.sliding_window", 7);
  if (family == "gemma3") model.Size("attention.sliding_window_pattern", 2);  // of two layers, one
  if (family == "qwen3moe" || family == "olmoe") {
    model.Size("expert_count", RandomModel::kExperts).Size("expert_used_count", 2);
  }
  return model.Layers(2).Done();
}

std::vector<TokenId> Text(std::size_t count) {
  std::vector<TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens[i] = static_cast<TokenId>((i * i * 7 + 3 * i + 1) % RandomModel::kVocabulary);
  }
  return tokens;
}

// The logits after each token, fed in pieces.
std::vector<float> LogitsOf(const GgufForTest& file, int threads, std::size_t chunk) {
  const std::string bytes = file.Bytes();
  auto model = Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(),
                           {.thread_count = threads});
  EXPECT_TRUE(model.has_value()) << model.error().message();
  KvSequence sequence = (*model)->NewSequence();
  const std::vector<TokenId> tokens = Text(40);
  std::vector<float> logits;
  for (std::size_t at = 0; at < tokens.size(); at += chunk) {
    const auto piece = std::span(tokens).subspan(at, std::min(chunk, tokens.size() - at));
    EXPECT_TRUE((*model)->Forward(piece, sequence, piece.size()));
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const auto row = (*model)->Logits(i);
      logits.insert(logits.end(), row.begin(), row.end());
    }
  }
  return logits;
}

class FamiliesTest : public testing::TestWithParam<std::string> {};

TEST_P(FamiliesTest, ChunksAndThreadsTouchNoBit) {
  for (const Weights weights : {Weights::kF32, Weights::kQ8_0, Weights::kMixed}) {
    const GgufForTest file = MakeModel(GetParam(), weights);
    const std::vector<float> whole = LogitsOf(file, 1, 40);
    for (const float logit : whole) ASSERT_TRUE(std::isfinite(logit));
    for (const int threads : {1, 2, 3, 8}) {
      for (const std::size_t chunk : {1U, 3U, 17U, 40U}) {
        const std::vector<float> pieces = LogitsOf(file, threads, chunk);
        ASSERT_EQ(pieces.size(), whole.size());
        EXPECT_EQ(0, std::memcmp(pieces.data(), whole.data(), whole.size() * sizeof(float)))
            << threads << " threads, chunk " << chunk << ", weights " << static_cast<int>(weights);
      }
    }
  }
}

TEST_P(FamiliesTest, EachTensorHasItsPart) {
  const GgufForTest file = MakeModel(GetParam(), Weights::kF32);
  const std::vector<float> logits = LogitsOf(file, 1, 40);
  for (const TensorForTest& tensor : file.tensors) {
    GgufForTest changed = file;
    std::uint64_t count = 1;
    for (const std::uint64_t size : tensor.shape) count *= size;
    for (std::uint64_t i = 0; i < count; i += 2) {  // every other value, as norms undo a scale
      float value = 0;
      char* const at = &changed.data[tensor.offset + 4 * i];
      std::memcpy(&value, at, sizeof(value));
      value *= 1.5F;
      std::memcpy(at, &value, sizeof(value));
    }
    EXPECT_NE(LogitsOf(changed, 1, 40), logits) << tensor.name;
  }
}

TEST(MixtureTest, CountsWhichExpertsWereAsked) {
  const std::string bytes = MakeModel("olmoe", Weights::kF32).Bytes();
  const auto load = [&](bool count) {
    return Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(),
                       {.count_experts = count})
        .value();
  };
  const auto model = load(true);
  KvSequence sequence = model->NewSequence();
  EXPECT_EQ(load(false)->expert_counts().size(), 0U);
  ASSERT_EQ(model->expert_counts().size(), 2 * RandomModel::kExperts);
  const std::vector<TokenId> tokens = Text(40);
  ASSERT_TRUE(model->Forward(std::span(tokens).first(30), sequence));
  const auto counts = model->expert_counts();
  const std::vector<std::uint64_t> before(counts.begin(), counts.end());
  ASSERT_TRUE(model->Forward(std::span(tokens).subspan(30), sequence));
  for (std::size_t layer = 0; layer < 2; ++layer) {
    std::uint64_t first = 0;
    std::uint64_t all = 0;
    for (std::size_t e = 0; e < RandomModel::kExperts; ++e) {
      first += before[layer * RandomModel::kExperts + e];
      all += counts[layer * RandomModel::kExperts + e];
      EXPECT_LE(before[layer * RandomModel::kExperts + e], 30U);  // once a token at most
    }
    EXPECT_EQ(first, 60U);  // two a token
    EXPECT_EQ(all, 80U);
  }
}

TEST(MixtureTest, WeightsThatAreNoNumbersAreHarmless) {
  GgufForTest file = MakeModel("qwen3moe", Weights::kF32);
  const float bad = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(&file.data[file.Find("blk.0.ffn_gate_inp.weight").offset], &bad, sizeof(bad));
  const std::string bytes = file.Bytes();
  const auto model =
      Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(), {}).value();
  KvSequence sequence = model->NewSequence();
  const std::vector<TokenId> tokens = Text(40);
  ASSERT_TRUE(model->Forward(tokens, sequence));
  EXPECT_EQ(model->Logits(39).size(), RandomModel::kVocabulary);
}

INSTANTIATE_TEST_SUITE_P(All, FamiliesTest,
                         testing::Values("llama", "qwen2", "qwen3", "qwen3moe", "olmoe", "gemma3"),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace kinglet
