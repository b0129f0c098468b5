// SPDX-License-Identifier: Apache-2.0
// Which tensors of a file play which part in the model. To bind them is to check them: each is
// there, of the shape that the config asks for, and none is left over.
#pragma once

#include <vector>

#include "base/status.h"
#include "model/config.h"
#include "model/packed_weights.h"
#include "tensor/gguf.h"

namespace kinglet {

// Views into the GgufFile. Shapes as (rows, columns); width: embedding_length.
struct LayerTensors {
  const Tensor* attn_norm = nullptr;    // (width)
  const Tensor* attn_q = nullptr;       // (query_width, width)
  const Tensor* attn_k = nullptr;       // (key_width, width)
  const Tensor* attn_v = nullptr;       // (value_width, width)
  const Tensor* attn_output = nullptr;  // (width, head_count * value_dim)
  const Tensor* attn_q_bias = nullptr;  // as many as rows of the matrix; null: none
  const Tensor* attn_k_bias = nullptr;
  const Tensor* attn_v_bias = nullptr;
  const Tensor* attn_q_norm = nullptr;       // (head_dim) or (query_width); null: none
  const Tensor* attn_k_norm = nullptr;       // (head_dim) or (key_width); null: none
  const Tensor* attn_output_norm = nullptr;  // (width), post_attention_norm; null: none
  const Tensor* ffn_norm = nullptr;          // (width)
  // Of a mixture each of the three has expert_count such matrices, one after the other.
  const Tensor* ffn_gate = nullptr;         // (feed_forward_length, width)
  const Tensor* ffn_up = nullptr;           // (feed_forward_length, width)
  const Tensor* ffn_down = nullptr;         // (width, feed_forward_length)
  const Tensor* ffn_output_norm = nullptr;  // (width), post_ffw_norm; null: none
  // Of an encoder, with ..._norm for its norms after attention and after the network.
  const Tensor* attn_output_bias = nullptr;       // (width)
  const Tensor* attn_output_norm_bias = nullptr;  // (width)
  const Tensor* ffn_up_bias = nullptr;            // (feed_forward_length)
  const Tensor* ffn_down_bias = nullptr;          // (width)
  const Tensor* ffn_output_norm_bias = nullptr;   // (width)
  const Tensor* ffn_router = nullptr;  // (expert_count, width); null where there is no mixture
};

struct ModelTensors {
  const PackedWeights* packed = nullptr;  // of the matrices; null: they are read as in the file
  const Tensor* token_embd = nullptr;     // (vocab_size, width)
  const Tensor* output_norm = nullptr;    // (width)
  const Tensor* output = nullptr;         // (vocab_size, width); token_embd where they are tied
  const Tensor* rope_freqs = nullptr;     // (rope_dim / 2), divides the frequencies; null: none
  // Of an encoder, which has neither output nor output_norm.
  const Tensor* position_embd = nullptr;         // (context_length, width)
  const Tensor* token_types = nullptr;           // (any, width)
  const Tensor* token_embd_norm = nullptr;       // (width)
  const Tensor* token_embd_norm_bias = nullptr;  // (width)
  std::vector<LayerTensors> layers;              // [block_count]
};

// kInvalidInput names the tensor, the shape it has and the shape that it must have. Norms and
// rope_freqs are F32; matrices are of any type but the integers.
Result<ModelTensors> BindTensors(const GgufFile& file, const ModelConfig& config);

// What is multiplied with: every tensor of at least two dimensions but an embedding that is looked
// up only.
std::vector<const Tensor*> Matrices(const GgufFile& file, const ModelTensors& tensors);

}  // namespace kinglet
