// SPDX-License-Identifier: Apache-2.0
// Llama (Touvron et al. 2023) and what shares its shape: Mistral, SmolLM2, TinyLlama; and Qwen2
// (Yang et al. 2024), which adds biases to query, key and value and pairs other dimensions.
#include "model/architecture.h"
#include "model/blocks.h"
#include "model/rope.h"
#include "model/weights.h"

namespace kinglet {
namespace {

class LlamaDecoder : public Decoder {
 public:
  LlamaDecoder(const Linear& embedding, std::vector<LayerWeights> layers,
               std::vector<double> rope_speeds, RopePairs rope_pairs)
      : embedding_(embedding),
        layers_(std::move(layers)),
        rope_speeds_(std::move(rope_speeds)),
        rope_pairs_(rope_pairs) {}

  void Run(Step& step, std::span<const std::int32_t> tokens) const override {
    Embed(step, embedding_.weights, tokens);
    PrepareRope(step, rope_speeds_);
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      RunAttention(step, layer);
      RunFeedForward(step, layer);
    }
  }

 private:
  void RunAttention(Step& step, std::size_t layer) const {
    const LayerWeights& weights = layers_[layer];
    StepBuffers& b = step.buffers;
    Normalise(step, weights.attention_norm, b.normed);
    Project(step, b.normed,
            {{weights.query, b.queries}, {weights.key, b.keys}, {weights.value, b.values}});
    RotateAndStore(step, layer, rope_pairs_);
    Attend(step, layer, {});
    Project(step, b.mixed, {{weights.attention_output, b.delta}});
    AddDelta(step);
  }

  void RunFeedForward(Step& step, std::size_t layer) const {
    const LayerWeights& weights = layers_[layer];
    StepBuffers& b = step.buffers;
    Normalise(step, weights.feed_forward_norm, b.normed);
    Project(step, b.normed, {{weights.gate, b.gated.values()}, {weights.up, b.up}});
    GateUp(step);
    Project(step, b.gated, {{weights.down, b.delta}});
    AddDelta(step);
  }

  Linear embedding_;  // [vocabulary][D]
  std::vector<LayerWeights> layers_;
  std::vector<double> rope_speeds_;  // [rope_dim / 2]
  RopePairs rope_pairs_;
};

Result<std::unique_ptr<Decoder>> Bind(const ModelConfig& config, const ModelTensors& tensors,
                                      RopePairs rope_pairs) {
  const Linear embedding = TRY(BindLinear(*tensors.token_embd, nullptr));
  return std::make_unique<LlamaDecoder>(embedding, TRY(BindLayers(tensors)),
                                        RopeSpeeds(config, tensors), rope_pairs);
}

}  // namespace

Result<std::unique_ptr<Decoder>> BindLlama(const ModelConfig& config, const ModelTensors& tensors) {
  // Its GGUF files have the rows of query and key permuted, so that neighbours rotate together.
  return Bind(config, tensors, RopePairs::kNeighbours);
}

Result<std::unique_ptr<Decoder>> BindQwen2(const ModelConfig& config, const ModelTensors& tensors) {
  return Bind(config, tensors, RopePairs::kHalves);
}

}  // namespace kinglet
