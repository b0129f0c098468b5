// SPDX-License-Identifier: Apache-2.0
// From Tensor to view. Shapes are checked by then (tensors.h).
#include "model/weights.h"

#include <limits>

#include "base/display.h"
#include "kernels/backend.h"

namespace kinglet {
namespace {

Result<MixtureWeights> BindMixture(const ModelTensors& tensors, const LayerTensors& from) {
  MixtureWeights mixture;
  mixture.router = TRY(BindLinear(tensors, *from.ffn_router, nullptr));
  mixture.gate = TRY(BindExperts(tensors, *from.ffn_gate));
  mixture.up = TRY(BindExperts(tensors, *from.ffn_up));
  mixture.down = TRY(BindExperts(tensors, *from.ffn_down));
  return mixture;
}

}  // namespace

Result<MatrixView> BindRows(const Tensor& weights) {
  if (!IsSupported(weights.dtype)) {
    return Error(StatusCode::kInvalidInput, "tensor {} is {}, a type that cannot be computed with",
                 Quoted(weights.name), Info(weights.dtype).name);
  }
  constexpr std::uint64_t kMax = std::numeric_limits<int>::max() - kPanelRows;
  if (weights.rows() > kMax || weights.columns() > kMax) {
    return Error(StatusCode::kInvalidInput, "tensor {} is {}, beyond {} rows or columns",
                 Quoted(weights.name), ShapeText(weights.shape), kMax);
  }
  MatrixView view;
  view.dtype = weights.dtype;
  view.data = reinterpret_cast<const std::uint8_t*>(weights.data.data());
  view.stride = weights.data.size() / weights.rows();
  view.rows = static_cast<int>(weights.rows());
  view.columns = static_cast<int>(weights.columns());
  return view;
}

Result<Linear> BindLinear(const ModelTensors& tensors, const Tensor& weights, const Tensor* bias) {
  Linear linear;
  linear.weights = TRY(BindRows(weights));
  const PackedTensor* packed = tensors.packed == nullptr ? nullptr : tensors.packed->Find(weights);
  if (packed != nullptr) {
    linear.weights.dtype = packed->dtype;
    linear.weights.data = tensors.packed->data(*packed);
    linear.weights.stride = packed->panel_bytes;
    linear.weights.packed = true;
  }
  linear.bias = Floats(bias);
  return linear;
}

Result<std::vector<Linear>> BindExperts(const ModelTensors& tensors, const Tensor& weights) {
  Linear expert = TRY(BindLinear(tensors, weights, nullptr));
  expert.weights.rows = static_cast<int>(weights.shape[1]);
  const std::size_t expert_bytes = expert.weights.packed
                                       ? tensors.packed->Find(weights)->matrix_bytes
                                       : weights.shape[1] * expert.weights.stride;
  std::vector<Linear> experts;
  for (std::size_t i = 0; i < weights.shape[2]; ++i) {
    experts.push_back(expert);
    expert.weights.data += expert_bytes;
  }
  return experts;
}

std::span<const float> Floats(const Tensor* vector) {
  if (vector == nullptr) return {};
  return {reinterpret_cast<const float*>(vector->data.data()), vector->columns()};
}

Result<std::vector<LayerWeights>> BindLayers(const ModelTensors& tensors) {
  std::vector<LayerWeights> layers;
  layers.reserve(tensors.layers.size());
  for (const LayerTensors& from : tensors.layers) {
    LayerWeights layer;
    layer.attention_norm = Floats(from.attn_norm);
    layer.query = TRY(BindLinear(tensors, *from.attn_q, from.attn_q_bias));
    layer.key = TRY(BindLinear(tensors, *from.attn_k, from.attn_k_bias));
    layer.value = TRY(BindLinear(tensors, *from.attn_v, from.attn_v_bias));
    layer.query_norm = Floats(from.attn_q_norm);
    layer.key_norm = Floats(from.attn_k_norm);
    layer.attention_output = TRY(BindLinear(tensors, *from.attn_output, nullptr));
    layer.attention_output_norm = Floats(from.attn_output_norm);
    layer.feed_forward_norm = Floats(from.ffn_norm);
    layer.feed_forward_output_norm = Floats(from.ffn_output_norm);
    if (from.ffn_router != nullptr) {
      layer.mixture = TRY(BindMixture(tensors, from));
    } else {
      layer.gate = TRY(BindLinear(tensors, *from.ffn_gate, nullptr));
      layer.up = TRY(BindLinear(tensors, *from.ffn_up, nullptr));
      layer.down = TRY(BindLinear(tensors, *from.ffn_down, nullptr));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace kinglet
