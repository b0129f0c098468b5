// SPDX-License-Identifier: Apache-2.0
// THE invariant on a layer as wide as an 8B model's: whole tiles, several blocks of K, pieces for
// all threads. Small models never get there.
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "kernels/matrix_for_test.h"
#include "model/same_bits_for_test.h"
#include "tensor/gguf_writer_for_test.h"

namespace kinglet {
namespace {

constexpr std::uint64_t kWidth = 4096;
constexpr std::uint64_t kInner = 14336;
constexpr std::uint64_t kKeys = 1024;  // 8 heads of 128
constexpr std::uint64_t kVocabulary = 64;

class WideLayer {
 public:
  WideLayer() {
    file_.Text("general.architecture", "llama").Uint32("llama.block_count", 1);
    file_.Uint32("llama.context_length", 512).Uint32("llama.embedding_length", kWidth);
    file_.Uint32("llama.feed_forward_length", kInner).Uint32("llama.attention.head_count", 32);
    file_.Uint32("llama.attention.head_count_kv", 8);
    file_.Key("llama.attention.layer_norm_rms_epsilon", GgufType::kFloat32, 1e-5F);
    Matrix("token_embd.weight", DType::kQ4_K, kWidth, kVocabulary);
    file_.F32("output_norm.weight", {kWidth}).F32("blk.0.attn_norm.weight", {kWidth});
    file_.F32("blk.0.ffn_norm.weight", {kWidth});
    Matrix("blk.0.attn_q.weight", DType::kQ4_K, kWidth, kWidth);
    Matrix("blk.0.attn_k.weight", DType::kQ4_K, kWidth, kKeys);
    Matrix("blk.0.attn_v.weight", DType::kQ6_K, kWidth, kKeys);
    Matrix("blk.0.attn_output.weight", DType::kQ4_K, kWidth, kWidth);
    Matrix("blk.0.ffn_gate.weight", DType::kQ4_K, kWidth, kInner);
    Matrix("blk.0.ffn_up.weight", DType::kQ4_K, kWidth, kInner);
    Matrix("blk.0.ffn_down.weight", DType::kQ6_K, kInner, kWidth);
    bytes_ = file_.Bytes();
  }

  // Must not outlive this.
  std::unique_ptr<Model> Load(int threads) const {
    auto file = GgufFile::Parse(std::as_bytes(std::span(bytes_)));
    EXPECT_TRUE(file.has_value());
    auto model =
        Model::Load(*std::move(file), {.thread_count = threads, .kv_bytes = std::size_t{64} << 20});
    EXPECT_TRUE(model.has_value()) << model.error().message();
    return *std::move(model);
  }

 private:
  void Matrix(std::string_view name, DType dtype, std::uint64_t columns, std::uint64_t rows) {
    file_.data.resize((file_.data.size() + file_.alignment - 1) / file_.alignment *
                      file_.alignment);
    file_.tensors.push_back(
        {std::string(name), {columns, rows}, static_cast<std::uint32_t>(dtype), file_.data.size()});
    const RandomMatrix matrix(dtype, static_cast<int>(rows), static_cast<int>(columns), random_);
    file_.data.append(matrix.bytes.begin(), matrix.bytes.end());
  }

  std::mt19937 random_{1};
  GgufForTest file_;
  std::string bytes_;
};

TEST(WideLayerTest, NothingAroundATokenChangesABit) {
  const WideLayer layer;
  const auto model = layer.Load(1);
  if (!model->ops().takes_panels) GTEST_SKIP() << "the scalar table would take minutes";
  const auto tokens = RandomTokens(*model, 40, 1);
  const LogitDigests truth = RunAlone(*model, tokens, 1);
  ASSERT_EQ(truth.size(), tokens.size());
  ExpectSame(truth, RunAlone(*model, tokens, 7), "chunk of 7");
  ExpectSame(truth, RunMixed(*model, tokens, 7), "beside seven others");
  for (const int threads : {2, 3, 8}) {
    ExpectSame(truth, RunAlone(*layer.Load(threads), tokens, 40), "threads");
  }
}

}  // namespace
}  // namespace kinglet
