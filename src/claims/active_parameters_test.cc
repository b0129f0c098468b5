// SPDX-License-Identifier: Apache-2.0
#include "claims/active_parameters.h"

#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(ActiveParameters, CountsWhatATokenIsMultipliedWith) {
  std::vector<Tensor> tensors = {{.name = "token_embd.weight", .shape = {8, 100}},
                                 {.name = "blk.0.attn_q.weight", .shape = {8, 8}},
                                 {.name = "blk.0.ffn_up_exps.weight", .shape = {8, 16, 4}},
                                 {.name = "output_norm.weight", .shape = {8}}};
  EXPECT_EQ(ActiveParameters(tensors, {.used = 1, .all = 4}), 800 + 64 + 128 + 8);
  EXPECT_EQ(ActiveParameters(tensors, {}), 800 + 64 + 512 + 8);
  tensors.push_back({.name = "output.weight", .shape = {8, 100}});
  EXPECT_EQ(ActiveParameters(tensors, {}), 800 + 64 + 512 + 8) << "the embeddings are looked up";
}

}  // namespace
}  // namespace kinglet
