// SPDX-License-Identifier: Apache-2.0
// How fast each pair of dimensions rotates with the position (rotary embedding, Su et al. 2021).
#pragma once

#include <vector>

#include "model/config.h"
#include "model/tensors.h"

namespace kinglet {

struct Rope {
  std::vector<double> speeds;  // [rope_dim / 2] radians a token
  double magnitude = 1.0;      // of what has rotated
};

// base^(-i / pairs), slowed by linear scaling or YaRN (Peng et al. 2023) and by the factors of
// rope_freqs.weight, in which files of Llama 3 keep their own rule. YaRN slows the pairs that turn
// less than beta_slow times in the context that the model was first trained on, leaves those that
// turn more than beta_fast times, goes from one to the other in a line, and lengthens queries and
// keys, so that their scores grow with the logarithm of the scale.
Rope MakeRope(const ModelConfig& config, const ModelTensors& tensors);

}  // namespace kinglet
