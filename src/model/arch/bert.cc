// SPDX-License-Identifier: Apache-2.0
// BERT (Devlin et al. 2019): an encoder whose norms come after the sums. Positions are embedded,
// and nothing rotates.
#include "model/architecture.h"
#include "model/blocks.h"
#include "model/weights.h"

namespace kinglet {
namespace {

struct BertLayer {
  Linear query, key, value;  // [H * d][D]
  Linear attention_output;   // [D][H * d]
  LayerNorm attention_norm;
  Linear up;    // [F][D]
  Linear down;  // [D][F]
  LayerNorm output_norm;
};

class BertLayers : public EncoderLayers {
 public:
  BertLayers(const MatrixView& embedding, std::vector<float> places, const LayerNorm& norm,
             std::vector<BertLayer> layers)
      : embedding_(embedding),
        places_(std::move(places)),
        norm_(norm),
        layers_(std::move(layers)) {}

  void Run(Step& step, std::span<const std::int32_t> tokens) const override {
    StepBuffers& b = step.buffers;
    Embed(step, embedding_, tokens);
    AddPlaces(step);
    NormaliseLayer(step, norm_, b.normed);
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) RunLayer(step, layer);
  }

 private:
  void AddPlaces(Step& step) const {
    const std::size_t width = step.config.embedding_length;
    for (std::size_t token = 0; token < step.count; ++token) {
      step.ops.add(&places_[step.places[token].position * width], static_cast<int>(width),
                   &step.buffers.hidden[token * width]);
    }
  }

  void RunLayer(Step& step, std::size_t layer) const {
    const BertLayer& weights = layers_[layer];
    StepBuffers& b = step.buffers;
    Project(step, b.normed,
            {{weights.query, b.queries}, {weights.key, b.keys}, {weights.value, b.values}});
    RotateAndStore(step, layer, b.rope);
    Attend(step, layer, {.causal = false});
    Project(step, b.mixed, {{weights.attention_output, b.hidden, /*accumulate=*/true}});
    NormaliseLayer(step, weights.attention_norm, b.normed);
    RunGelu(step, weights.up);
    Project(step, b.gated, {{weights.down, b.hidden, /*accumulate=*/true}});
    NormaliseLayer(step, weights.output_norm, b.normed);
  }

  MatrixView embedding_;       // [vocabulary][D]
  std::vector<float> places_;  // [context][D] of each position and of the first type of token
  LayerNorm norm_;             // of the embeddings
  std::vector<BertLayer> layers_;
};

Result<BertLayer> BindLayer(const ModelTensors& tensors, const LayerTensors& from) {
  BertLayer layer;
  layer.query = TRY(BindLinear(tensors, *from.attn_q, from.attn_q_bias));
  layer.key = TRY(BindLinear(tensors, *from.attn_k, from.attn_k_bias));
  layer.value = TRY(BindLinear(tensors, *from.attn_v, from.attn_v_bias));
  layer.attention_output = TRY(BindLinear(tensors, *from.attn_output, from.attn_output_bias));
  layer.attention_norm = {Floats(from.attn_output_norm), Floats(from.attn_output_norm_bias)};
  layer.up = TRY(BindLinear(tensors, *from.ffn_up, from.ffn_up_bias));
  layer.down = TRY(BindLinear(tensors, *from.ffn_down, from.ffn_down_bias));
  layer.output_norm = {Floats(from.ffn_output_norm), Floats(from.ffn_output_norm_bias)};
  return layer;
}

std::vector<float> Rows(const Ops& ops, const MatrixView& view, std::size_t count) {
  const auto width = static_cast<std::size_t>(view.columns);
  std::vector<float> rows(count * width);
  for (std::size_t row = 0; row < count; ++row) {
    ops.dequantise_row(view.dtype, view.data + row * view.stride, view.columns, &rows[row * width]);
  }
  return rows;
}

}  // namespace

Result<std::unique_ptr<EncoderLayers>> BindBert(const ModelConfig& config,
                                                const ModelTensors& tensors, const Ops& ops) {
  const MatrixView embedding = TRY(BindRows(*tensors.token_embd));
  const std::size_t width = config.embedding_length;
  std::vector<float> places =
      Rows(ops, TRY(BindRows(*tensors.position_embd)), config.context_length);
  const std::vector<float> type = Rows(ops, TRY(BindRows(*tensors.token_types)), 1);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] += type[i % width];
  const LayerNorm norm = {Floats(tensors.token_embd_norm), Floats(tensors.token_embd_norm_bias)};
  std::vector<BertLayer> layers;
  for (const LayerTensors& from : tensors.layers) {
    layers.push_back(TRY(BindLayer(tensors, from)));
  }
  return std::make_unique<BertLayers>(embedding, std::move(places), norm, std::move(layers));
}

}  // namespace kinglet
