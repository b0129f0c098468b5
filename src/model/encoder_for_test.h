// SPDX-License-Identifier: Apache-2.0
// A small sound bert file with random weights, in memory, for tests.
#pragma once

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tensor/gguf_writer_for_test.h"

namespace kinglet {

// Width 32, two layers, 2 heads of 16, feed-forward 48, 12 tokens, at most 40 in a text.
inline GgufForTest BertForTest() {
  GgufForTest file;
  file.Text("general.architecture", "bert").Uint32("bert.block_count", 2);
  file.Uint32("bert.context_length", 40).Uint32("bert.embedding_length", 32);
  file.Uint32("bert.feed_forward_length", 48).Uint32("bert.attention.head_count", 2);
  file.Key("bert.attention.layer_norm_epsilon", GgufType::kFloat32, 1e-12F);
  file.F32("token_embd.weight", {32, 12}).F32("position_embd.weight", {32, 40});
  file.F32("token_types.weight", {32, 2});
  file.F32("token_embd_norm.weight", {32}).F32("token_embd_norm.bias", {32});
  for (const std::string blk : {"blk.0.", "blk.1."}) {
    for (const char* part : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      file.F32(blk + part + ".weight", {32, 32}).F32(blk + part + ".bias", {32});
    }
    file.F32(blk + "ffn_up.weight", {32, 48}).F32(blk + "ffn_up.bias", {48});
    file.F32(blk + "ffn_down.weight", {48, 32}).F32(blk + "ffn_down.bias", {32});
    for (const char* part : {"attn_output_norm", "layer_output_norm"}) {
      file.F32(blk + part + ".weight", {32}).F32(blk + part + ".bias", {32});
    }
  }
  file.Text("tokenizer.ggml.model", "bert");
  file.Texts(
      "tokenizer.ggml.tokens",
      std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581the", "\u2581cat",
                               "\u2581sat", "s", "\u2581dog", "\u2581on", "\u2581mat", "\u2581."});
  file.Uint32("tokenizer.ggml.unknown_token_id", 1).Uint32("tokenizer.ggml.cls_token_id", 2);
  file.Uint32("tokenizer.ggml.seperator_token_id", 3);
  std::mt19937 random(3);
  std::uniform_real_distribution<float> value(-0.5F, 0.5F);
  for (std::size_t at = 0; at + 4 <= file.data.size(); at += 4) {
    const float number = value(random);
    std::memcpy(&file.data[at], &number, sizeof(number));
  }
  return file;
}

}  // namespace kinglet
