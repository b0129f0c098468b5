// SPDX-License-Identifier: Apache-2.0
// Qwen2 (Yang et al. 2024): Llama with biases to query, key and value. Qwen3 (Yang et al. 2025): no
// biases, but each head of query and key normalised before it rotates; Qwen3 MoE has experts.
#include "model/architecture.h"
#include "model/blocks.h"
#include "model/moe.h"
#include "model/rope.h"
#include "model/weights.h"

namespace kinglet {
namespace {

class QwenDecoder : public Decoder {
 public:
  QwenDecoder(const MatrixView& embedding, std::vector<LayerWeights> layers, Rope rope)
      : embedding_(embedding), layers_(std::move(layers)), rope_(std::move(rope)) {}

  void Run(Step& step, std::span<const std::int32_t> tokens) const override {
    Embed(step, embedding_, tokens);
    PrepareRope(step, rope_, step.buffers.rope);
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      RunAttention(step, layer);
      RunFeedForward(step, layer);
      KeepStates(step, layer);
    }
  }

 private:
  void RunAttention(Step& step, std::size_t layer) const {
    const LayerWeights& weights = layers_[layer];
    StepBuffers& b = step.buffers;
    Normalise(step, weights.attention_norm, b.normed);
    Project(step, b.normed,
            {{weights.query, b.queries}, {weights.key, b.keys}, {weights.value, b.values}});
    NormaliseInPlace(step, weights.query_norm, b.queries);
    NormaliseInPlace(step, weights.key_norm, b.keys);
    RotateAndStore(step, layer, b.rope);
    Attend(step, layer, {.window = step.config.sliding_window});
    Project(step, b.mixed, {{weights.attention_output, b.hidden, /*accumulate=*/true}});
  }

  void RunFeedForward(Step& step, std::size_t layer) const {
    const LayerWeights& weights = layers_[layer];
    StepBuffers& b = step.buffers;
    Normalise(step, weights.feed_forward_norm, b.normed);
    if (weights.mixture.gate.empty()) {
      RunGate(step, weights, Gate::kSilu);
      Project(step, b.gated, {{weights.down, b.hidden, /*accumulate=*/true}});
    } else {
      RunExperts(step, layer, weights.mixture);
      AddDelta(step);
    }
  }

  MatrixView embedding_;  // [vocabulary][D]
  std::vector<LayerWeights> layers_;
  Rope rope_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> BindQwen(const ModelConfig& config, const ModelTensors& tensors) {
  const MatrixView embedding = TRY(BindRows(*tensors.token_embd));
  return std::make_unique<QwenDecoder>(embedding, TRY(BindLayers(tensors)),
                                       MakeRope(config, tensors));
}

}  // namespace kinglet
