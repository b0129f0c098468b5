// SPDX-License-Identifier: Apache-2.0
// From Tensor to view. Shapes are checked by then (tensors.h).
#include "model/weights.h"

#include <limits>

#include "base/display.h"
#include "kernels/backend.h"

namespace kinglet {
namespace {

Result<MixtureWeights> BindMixture(const LayerTensors& from) {
  const std::size_t count = from.ffn_router->rows();
  MixtureWeights mixture;
  mixture.router = TRY(BindLinear(*from.ffn_router, nullptr));
  mixture.gate = TRY(BindExperts(*from.ffn_gate, count));
  mixture.up = TRY(BindExperts(*from.ffn_up, count));
  mixture.down = TRY(BindExperts(*from.ffn_down, count));
  return mixture;
}

}  // namespace

Result<Linear> BindLinear(const Tensor& weights, const Tensor* bias) {
  if (!IsSupported(weights.dtype)) {
    return Error(StatusCode::kInvalidInput, "tensor {} is {}, a type that cannot be computed with",
                 Quoted(weights.name), Info(weights.dtype).name);
  }
  constexpr std::uint64_t kMax = std::numeric_limits<int>::max() - kPanelRows;
  if (weights.rows() > kMax || weights.columns() > kMax) {
    return Error(StatusCode::kInvalidInput, "tensor {} is {}, beyond {} rows or columns",
                 Quoted(weights.name), ShapeText(weights.shape), kMax);
  }
  Linear linear;
  linear.weights.dtype = weights.dtype;
  linear.weights.data = reinterpret_cast<const std::uint8_t*>(weights.data.data());
  linear.weights.row_bytes = weights.data.size() / weights.rows();
  linear.weights.rows = static_cast<int>(weights.rows());
  linear.weights.columns = static_cast<int>(weights.columns());
  if (bias != nullptr) linear.bias = Floats(*bias);
  return linear;
}

Result<std::vector<Linear>> BindExperts(const Tensor& weights, std::size_t count) {
  Linear expert = TRY(BindLinear(weights, nullptr));
  expert.weights.rows /= static_cast<int>(count);
  const std::size_t bytes =
      static_cast<std::size_t>(expert.weights.rows) * expert.weights.row_bytes;
  std::vector<Linear> experts(count, expert);
  for (std::size_t i = 0; i < count; ++i) experts[i].weights.data += i * bytes;
  return experts;
}

std::span<const float> Floats(const Tensor& vector) {
  return {reinterpret_cast<const float*>(vector.data.data()), vector.columns()};
}

Result<std::vector<LayerWeights>> BindLayers(const ModelTensors& tensors) {
  std::vector<LayerWeights> layers;
  layers.reserve(tensors.layers.size());
  for (const LayerTensors& from : tensors.layers) {
    LayerWeights layer;
    layer.attention_norm = Floats(*from.attn_norm);
    layer.query = TRY(BindLinear(*from.attn_q, from.attn_q_bias));
    layer.key = TRY(BindLinear(*from.attn_k, from.attn_k_bias));
    layer.value = TRY(BindLinear(*from.attn_v, from.attn_v_bias));
    if (from.attn_q_norm != nullptr) layer.query_norm = Floats(*from.attn_q_norm);
    if (from.attn_k_norm != nullptr) layer.key_norm = Floats(*from.attn_k_norm);
    layer.attention_output = TRY(BindLinear(*from.attn_output, nullptr));
    layer.feed_forward_norm = Floats(*from.ffn_norm);
    if (from.ffn_router != nullptr) {
      layer.mixture = TRY(BindMixture(from));
    } else {
      layer.gate = TRY(BindLinear(*from.ffn_gate, nullptr));
      layer.up = TRY(BindLinear(*from.ffn_up, nullptr));
      layer.down = TRY(BindLinear(*from.ffn_down, nullptr));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace kinglet
