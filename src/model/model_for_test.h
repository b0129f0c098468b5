// SPDX-License-Identifier: Apache-2.0
// The smallest sound llama file, in memory, for tests and for the fuzzer's seeds.
#pragma once

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

}  // namespace kinglet
