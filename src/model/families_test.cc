// SPDX-License-Identifier: Apache-2.0
// What holds for each family: a token's logits have the same bits for every chunking and number of
// threads, and each tensor of a file has its part in them. Random weights, made here.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "model/family_model_for_test.h"
#include "model/model.h"
#include "model/same_bits_for_test.h"

namespace kinglet {
namespace {

std::vector<TokenId> Text(std::size_t count) {
  std::vector<TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens[i] = static_cast<TokenId>((i * i * 7 + 3 * i + 1) % FamilyModel::kVocabulary);
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
    const GgufForTest file = MakeFamilyModel(GetParam(), weights);
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

TEST_P(FamiliesTest, OtherSequencesTouchNoBit) {
  constexpr std::size_t kTokens = 400;  // two segments, seven pages
  for (const Weights weights : {Weights::kQ8_0, Weights::kMixed}) {
    const std::string bytes = MakeFamilyModel(GetParam(), weights).Bytes();
    const auto load = [&](int threads) {
      return Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(),
                         {.thread_count = threads, .kv_bytes = std::size_t{8} << 20})
          .value();
    };
    const auto model = load(1);
    const std::vector<TokenId> tokens = RandomTokens(*model, kTokens, 1);
    const LogitDigests truth = RunAlone(*model, tokens, 1);
    ASSERT_EQ(truth.size(), kTokens);
    ExpectSame(truth, RunAlone(*model, tokens, kStepTokens), "in one step");
    ExpectSame(truth, RunMixed(*model, tokens, 7), "among seven");
    ExpectSame(truth, RunMixed(*load(3), tokens, 7), "among seven, with three threads");
  }
}

TEST_P(FamiliesTest, EachTensorHasItsPart) {
  const GgufForTest file = MakeFamilyModel(GetParam(), Weights::kF32);
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
  const std::string bytes = MakeFamilyModel("olmoe", Weights::kF32).Bytes();
  const auto load = [&](bool count) {
    return Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(),
                       {.count_experts = count})
        .value();
  };
  const auto model = load(true);
  KvSequence sequence = model->NewSequence();
  EXPECT_EQ(load(false)->expert_counts().size(), 0U);
  ASSERT_EQ(model->expert_counts().size(), 2 * FamilyModel::kExperts);
  const std::vector<TokenId> tokens = Text(40);
  ASSERT_TRUE(model->Forward(std::span(tokens).first(30), sequence));
  const auto counts = model->expert_counts();
  const std::vector<std::uint64_t> before(counts.begin(), counts.end());
  ASSERT_TRUE(model->Forward(std::span(tokens).subspan(30), sequence));
  for (std::size_t layer = 0; layer < 2; ++layer) {
    std::uint64_t first = 0;
    std::uint64_t all = 0;
    for (std::size_t e = 0; e < FamilyModel::kExperts; ++e) {
      first += before[layer * FamilyModel::kExperts + e];
      all += counts[layer * FamilyModel::kExperts + e];
      EXPECT_LE(before[layer * FamilyModel::kExperts + e], 30U);  // once a token at most
    }
    EXPECT_EQ(first, 60U);  // two a token
    EXPECT_EQ(all, 80U);
  }
}

TEST(MixtureTest, WeightsThatAreNoNumbersAreHarmless) {
  GgufForTest file = MakeFamilyModel("qwen3moe", Weights::kF32);
  const float bad = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(&file.data[file.Find("blk.0.ffn_gate_inp.weight").offset], &bad, sizeof(bad));
  const std::string bytes = file.Bytes();
  const auto model =
      Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(), {}).value();
  KvSequence sequence = model->NewSequence();
  const std::vector<TokenId> tokens = Text(40);
  ASSERT_TRUE(model->Forward(tokens, sequence));
  EXPECT_EQ(model->Logits(39).size(), FamilyModel::kVocabulary);
}

INSTANTIATE_TEST_SUITE_P(All, FamiliesTest,
                         testing::ValuesIn(std::vector<std::string>(std::begin(kFamilyModels),
                                                                    std::end(kFamilyModels))),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace kinglet
