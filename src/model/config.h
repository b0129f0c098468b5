// SPDX-License-Identifier: Apache-2.0
// The numbers that make a model of an architecture: read from a file's keys, each within its limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"
#include "tensor/gguf.h"

namespace kinglet {

// Which dimensions of a head rotate together: (2i, 2i + 1), or (i, i + half).
enum class RopePairs { kNeighbours, kHalves };

// What queries and keys are normalised over before they rotate.
enum class HeadNorms { kNone, kEachHead, kAllHeads };

// How an encoder makes one vector of its tokens' states: their mean, or the first.
enum class Pooling { kMean, kFirst };

enum class RopeScaling { kNone, kLinear, kYarn };

// What all files of a family share, as no key tells it.
struct Family {
  std::string_view name;  // general.architecture
  RopePairs rope_pairs = RopePairs::kHalves;
  HeadNorms head_norms = HeadNorms::kNone;
  bool output_norms = false;       // what attention and the feed-forward network add is normalised
  std::size_t sliding_period = 0;  // every so-many-th layer sees all, the others a window; 0: none
  bool has_experts = false;        // its files may hold a mixture
  bool encoder = false;            // makes vectors of texts, and no text
  bool shares_add_up = true;  // a token's experts share 1; else they keep what softmax gave them
};

// The names are GGUF's, without "llama." in front; the defaults are those of the specification.
struct ModelConfig {
  std::string architecture;  // general.architecture: "llama"
  Family family;
  std::size_t block_count = 0;          // layers
  std::size_t context_length = 0;       // tokens that the model was trained on
  std::size_t embedding_length = 0;     // the width of the hidden state
  std::size_t feed_forward_length = 0;  // of one expert, where there is a mixture
  std::size_t head_count = 0;
  std::size_t kv_head_count = 0;  // divides head_count
  std::size_t head_dim = 0;       // of queries and keys (attention.key_length)
  std::size_t value_dim = 0;      // of values (attention.value_length)
  double attention_scale = 0.0;   // of the products of queries and keys
  std::size_t rope_dim =
      0;  // 0 in an encoder; even; the dimensions of a head that rotate, from the first
  double rope_base = 10000.0;
  RopeScaling rope_scaling = RopeScaling::kNone;
  double rope_scale = 1.0;  // how many times longer than trained for a context may be
  // YaRN's: see rope.h.
  std::size_t rope_original_context = 0;  // tokens
  double rope_attention_factor = 1.0;
  double rope_beta_fast = 32.0;
  double rope_beta_slow = 1.0;
  double rms_epsilon = 0.0;
  double layer_norm_epsilon = 0.0;     // of an encoder
  Pooling pooling = Pooling::kMean;    // of an encoder
  std::size_t vocab_size = 0;          // rows of the embedding
  std::size_t sliding_window = 0;      // tokens that attention looks back; 0: all
  std::size_t sliding_period = 0;      // the family's, or the file's own
  double rope_base_sliding = 10000.0;  // in layers that slide, where others do not
  std::size_t expert_count = 0;        // 0: no mixture
  std::size_t expert_used_count = 0;

  // The tokens that a layer looks back; 0: all.
  std::size_t Window(std::size_t layer) const {
    return sliding_period > 0 && layer % sliding_period == sliding_period - 1 ? 0 : sliding_window;
  }
  std::size_t query_width() const { return head_count * head_dim; }
  std::size_t key_width() const { return kv_head_count * head_dim; }
  std::size_t value_width() const { return kv_head_count * value_dim; }
};

// kInvalidInput names the key and its limit; an architecture that is not known is named beside
// those that are. What differs from layer to layer is refused.
Result<ModelConfig> ReadModelConfig(const GgufFile& file);

}  // namespace kinglet
