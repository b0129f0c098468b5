// SPDX-License-Identifier: Apache-2.0
// Llama (Touvron et al. 2023) and what shares its shape: Mistral, SmolLM2, TinyLlama; and Mixtral
// (Jiang et al. 2024), whose layers hold experts instead of one network.
#include "model/architecture.h"
#include "model/blocks.h"
#include "model/moe.h"
#include "model/rope.h"
#include "model/weights.h"

namespace kinglet {
namespace {

class LlamaDecoder : public Decoder {
 public:
  LlamaDecoder(const MatrixView& embedding, std::vector<LayerWeights> layers, Rope rope)
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

Result<std::unique_ptr<Decoder>> BindLlama(const ModelConfig& config, const ModelTensors& tensors) {
  const MatrixView embedding = TRY(BindRows(*tensors.token_embd));
  return std::make_unique<LlamaDecoder>(embedding, TRY(BindLayers(tensors)),
                                        MakeRope(config, tensors));
}

}  // namespace kinglet
