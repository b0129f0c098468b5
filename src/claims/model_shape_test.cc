// SPDX-License-Identifier: Apache-2.0
#include "claims/model_shape.h"

#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(ModelShape, CountsWhatATokenIsMultipliedWith) {
  std::vector<Tensor> tensors = {{.name = "token_embd.weight", .shape = {8, 100}},
                                 {.name = "blk.0.attn_q.weight", .shape = {8, 8}},
                                 {.name = "blk.0.ffn_up_exps.weight", .shape = {8, 16, 4}}};
  ModelConfig config;
  config.expert_count = 4;
  config.expert_used_count = 1;
  const ModelShape tied = ShapeOf(tensors, config);
  EXPECT_EQ(tied.total, 800 + 64 + 512);
  EXPECT_EQ(tied.body, 64 + 128);
  EXPECT_EQ(tied.output, 800);
  EXPECT_EQ(tied.WorkOf(10), 10 * (64 + 128) + 800);
  tensors.push_back({.name = "output.weight", .shape = {8, 100}});
  const ModelShape untied = ShapeOf(tensors, config);
  EXPECT_EQ(untied.active(), tied.active());  // embeddings are looked up
  EXPECT_EQ(untied.total, tied.total + 800);
}

TEST(ModelShape, OfLlama31HasItsEightBillions) {
  const ModelShape shape = ShapeOf(DenseShape{32, 4096, 14336, 1024, 128256}, 0.5);
  EXPECT_NEAR(shape.total, 8.03e9, 0.01e9);
  EXPECT_NEAR(shape.active(), 7.50e9, 0.01e9);
  EXPECT_EQ(shape.bytes, shape.total / 2);
  EXPECT_EQ(ShowCount(shape.total), "8.03 B");
}

}  // namespace
}  // namespace kinglet
