// SPDX-License-Identifier: Apache-2.0
// Tensors as the kernels take them: checked once for a type that can be multiplied, then plain
// views into the mapped file.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "kernels/ops.h"
#include "model/tensors.h"

namespace kinglet {

// A weight matrix and its bias, as a projection takes them.
struct Linear {
  MatrixView weights;           // [rows][K]
  std::span<const float> bias;  // [rows] or empty
};

// The gated networks of E experts, of which the router gives each token a few.
struct MixtureWeights {
  Linear router;             // [E][D]
  std::vector<Linear> gate;  // [E], each [F][D]
  std::vector<Linear> up;    // [E], each [F][D]
  std::vector<Linear> down;  // [E], each [D][F]
};

// The weights of a layer of grouped-query attention and a gated feed-forward network. D: hidden
// width, H and G: query and key/value heads, d: head width, F: feed-forward width.
struct LayerWeights {
  std::span<const float> attention_norm;            // [D]
  Linear query;                                     // [H * d][D]
  Linear key;                                       // [G * d][D]
  Linear value;                                     // [G * d][D]
  std::span<const float> query_norm;                // [d], [H * d] or empty
  std::span<const float> key_norm;                  // [d], [G * d] or empty
  Linear attention_output;                          // [D][H * d]
  std::span<const float> attention_output_norm;     // [D] or empty
  std::span<const float> feed_forward_norm;         // [D]
  Linear gate;                                      // [F][D]; these three are empty in a mixture
  Linear up;                                        // [F][D]
  Linear down;                                      // [D][F]
  std::span<const float> feed_forward_output_norm;  // [D] or empty
  MixtureWeights mixture;                           // empty where the layer is none
};

// kInvalidInput names a tensor whose type the kernels do not know. bias may be null.
Result<Linear> BindLinear(const ModelTensors& tensors, const Tensor& weights, const Tensor* bias);
// Of the matrices, one after the other in a tensor of three dimensions.
Result<std::vector<Linear>> BindExperts(const ModelTensors& tensors, const Tensor& weights);
// The matrix row by row as it lies in the file, for the look-up of an embedding.
Result<MatrixView> BindRows(const Tensor& weights);
// The values of an F32 vector; empty for null.
std::span<const float> Floats(const Tensor* vector);
Result<std::vector<LayerWeights>> BindLayers(const ModelTensors& tensors);

}  // namespace kinglet
