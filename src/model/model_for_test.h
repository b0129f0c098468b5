// SPDX-License-Identifier: Apache-2.0
// The smallest sound llama file, in memory, for tests and for the fuzzer's seeds.
#pragma once

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tensor/gguf_writer_for_test.h"

namespace kinglet {

// Width 16, one layer, 2 heads of 8, 1 key/value head, feed-forward 32, 6 tokens; about 12 KB.
inline GgufForTest ModelForTest() {
  GgufForTest file;
  file.Text("general.architecture", "llama").Uint32("llama.block_count", 1);
  file.Uint32("llama.context_length", 64).Uint32("llama.embedding_length", 16);
  file.Uint32("llama.feed_forward_length", 32).Uint32("llama.attention.head_count", 2);
  file.Uint32("llama.attention.head_count_kv", 1);
  file.Key("llama.attention.layer_norm_rms_epsilon", GgufType::kFloat32, 1e-5F);
  file.Text("tokenizer.ggml.model", "llama");
  file.Texts("tokenizer.ggml.tokens",
             std::vector<std::string>{"<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a"});
  file.Array<float>("tokenizer.ggml.scores", GgufType::kFloat32, {0, 0, 0, 0, -1, -2});
  file.Array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32, {2, 3, 3, 6, 1, 1});
  file.Uint32("tokenizer.ggml.bos_token_id", 1).Uint32("tokenizer.ggml.eos_token_id", 2);
  file.Key<std::uint8_t>("tokenizer.ggml.add_bos_token", GgufType::kBool, 1);
  file.F32("token_embd.weight", {16, 6}).F32("output_norm.weight", {16});
  file.F32("blk.0.attn_norm.weight", {16}).F32("blk.0.attn_q.weight", {16, 16});
  file.F32("blk.0.attn_k.weight", {16, 8}).F32("blk.0.attn_v.weight", {16, 8});
  file.F32("blk.0.attn_output.weight", {16, 16}).F32("blk.0.ffn_norm.weight", {16});
  file.F32("blk.0.ffn_gate.weight", {16, 32}).F32("blk.0.ffn_up.weight", {16, 32});
  file.F32("blk.0.ffn_down.weight", {32, 16});
  return file;
}

// Random numbers in two layers of width 64, 6 heads of 16, 2 key/value heads, and 1,024 tokens of
// context: for what takes a text of several pages.
inline GgufForTest RandomModelForTest() {
  GgufForTest file;
  file.Text("general.architecture", "llama").Uint32("llama.block_count", 2);
  file.Uint32("llama.context_length", 1024).Uint32("llama.embedding_length", 64);
  file.Uint32("llama.feed_forward_length", 96).Uint32("llama.attention.head_count", 6);
  file.Uint32("llama.attention.head_count_kv", 2).Uint32("llama.attention.key_length", 16);
  file.Uint32("llama.attention.value_length", 16).Uint32("llama.rope.dimension_count", 16);
  file.Key("llama.attention.layer_norm_rms_epsilon", GgufType::kFloat32, 1e-5F);
  file.Text("tokenizer.ggml.model", "llama");
  file.F32("token_embd.weight", {64, 50}).F32("output_norm.weight", {64});
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    file.F32(layer + "attn_norm.weight", {64}).F32(layer + "attn_q.weight", {64, 96});
    file.F32(layer + "attn_k.weight", {64, 32}).F32(layer + "attn_v.weight", {64, 32});
    file.F32(layer + "attn_output.weight", {96, 64}).F32(layer + "ffn_norm.weight", {64});
    file.F32(layer + "ffn_gate.weight", {64, 96}).F32(layer + "ffn_up.weight", {64, 96});
    file.F32(layer + "ffn_down.weight", {96, 64});
  }
  std::mt19937 random(7);
  for (std::size_t at = 0; at < file.data.size(); at += sizeof(float)) {
    const float value = std::uniform_real_distribution<float>(-0.5F, 0.5F)(random);
    std::memcpy(&file.data[at], &value, sizeof(value));
  }
  return file;
}

}  // namespace kinglet
