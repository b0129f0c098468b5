// SPDX-License-Identifier: Apache-2.0
// Binding tensors: all parts found, and what is missing, misshapen or left over is named.
#include "model/tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model_for_test.h"

namespace kinglet {
namespace {

using testing::HasSubstr;

// Keeps the bytes that the tensors view.
struct Bound {
  explicit Bound(const GgufForTest& writer)
      : bytes(writer.Bytes()), file(GgufFile::Parse(std::as_bytes(std::span(bytes))).value()) {
    const auto config = ReadModelConfig(file);
    tensors = config ? BindTensors(file, *config) : std::unexpected(config.error());
  }
  std::string bytes;
  GgufFile file;
  Result<ModelTensors> tensors = ModelTensors();
};

std::string ErrorOf(const GgufForTest& writer) {
  const Bound bound(writer);
  return bound.tensors ? "no error" : bound.tensors.error().message();
}

TEST(ModelTensors, BindsASoundModelAndTiesTheOutput) {
  const Bound bound(ModelForTest());
  ASSERT_TRUE(bound.tensors) << bound.tensors.error().message();
  ASSERT_EQ(bound.tensors->layers.size(), 1U);
  EXPECT_EQ(bound.tensors->output, bound.tensors->token_embd);
  EXPECT_EQ(bound.tensors->rope_freqs, nullptr);
  EXPECT_EQ(bound.tensors->layers[0].ffn_down->name, "blk.0.ffn_down.weight");
  EXPECT_EQ(bound.tensors->layers[0].ffn_router, nullptr);
}

TEST(ModelTensors, BindsAnOutputOfItsOwnAndFactorsOfRotation) {
  GgufForTest file = ModelForTest();
  file.F32("output.weight", {16, 6}).F32("rope_freqs.weight", {4});
  const Bound bound(file);
  ASSERT_TRUE(bound.tensors) << bound.tensors.error().message();
  EXPECT_EQ(bound.tensors->output->name, "output.weight");
  EXPECT_EQ(bound.tensors->rope_freqs->name, "rope_freqs.weight");
}

TEST(ModelTensors, BindsAMixture) {
  GgufForTest file = ModelForTest();
  file.Uint32("llama.expert_count", 4).Uint32("llama.expert_used_count", 2);
  EXPECT_EQ(ErrorOf(file), "tensor \"blk.0.ffn_gate_inp.weight\" is missing");
  file.tensors.resize(file.tensors.size() - 3);
  file.F32("blk.0.ffn_gate_inp.weight", {16, 4}).F32("blk.0.ffn_gate_exps.weight", {16, 32, 4});
  file.F32("blk.0.ffn_up_exps.weight", {16, 32, 4}).F32("blk.0.ffn_down_exps.weight", {32, 16, 4});
  EXPECT_EQ(ErrorOf(file), "no error");
}

TEST(ModelTensors, NamesWhatIsMissingMisshapenOrLeftOver) {
  GgufForTest file = ModelForTest();
  file.Find("blk.0.ffn_down.weight").name = "blk.0.ffn_dawn.weight";
  EXPECT_EQ(ErrorOf(file), "tensor \"blk.0.ffn_down.weight\" is missing");

  file = ModelForTest();
  file.Find("blk.0.attn_q.weight").shape = {8, 32};
  EXPECT_EQ(ErrorOf(file),
            "tensor \"blk.0.attn_q.weight\" is 8 x 32, not 16 x 16 as the keys have it");

  file = ModelForTest();
  file.F32("blk.0.attn_output.bias", {16});
  EXPECT_EQ(ErrorOf(file),
            "tensor \"blk.0.attn_output.bias\" has no part in a llama model that is known");
}

TEST(ModelTensors, RefusesTypesThatAreNoWeights) {
  GgufForTest file = ModelForTest();
  file.Find("blk.0.attn_norm.weight").dtype = static_cast<std::uint32_t>(DType::kF16);
  EXPECT_EQ(ErrorOf(file), "tensor \"blk.0.attn_norm.weight\" is of type F16, not F32");
  file = ModelForTest();
  file.Find("blk.0.attn_q.weight").dtype = static_cast<std::uint32_t>(DType::kI32);
  EXPECT_EQ(ErrorOf(file), "tensor \"blk.0.attn_q.weight\" is of type I32, not a type of weights");
}

}  // namespace
}  // namespace kinglet
