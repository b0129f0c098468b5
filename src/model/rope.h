// SPDX-License-Identifier: Apache-2.0
// How fast each pair of dimensions rotates with the position (rotary embedding, Su et al. 2021).
#pragma once

#include <vector>

#include "model/config.h"
#include "model/tensors.h"

namespace kinglet {

// Radians a token [rope_dim / 2]: base^(-i / pairs), slowed by linear scaling and by the factors of
// rope_freqs.weight, in which files of Llama 3 keep their own rule.
std::vector<double> RopeSpeeds(const ModelConfig& config, const ModelTensors& tensors);

}  // namespace kinglet
