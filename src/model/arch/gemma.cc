// SPDX-License-Identifier: Apache-2.0
// Gemma 3 (Gemma Team 2025): five layers of six see a window of the last tokens and rotate faster;
// each head of query and key is normalised, and so is what attention and the network add. The ones
// that its norms add to their weights are in the files' weights.
#include <cmath>

#include "model/architecture.h"
#include "model/blocks.h"
#include "model/rope.h"
#include "model/weights.h"

namespace kinglet {
namespace {

class GemmaDecoder : public Decoder {
 public:
  GemmaDecoder(const MatrixView& embedding, std::vector<LayerWeights> layers, Rope rope,
               Rope sliding_rope)
      : embedding_(embedding),
        layers_(std::move(layers)),
        rope_(std::move(rope)),
        sliding_rope_(std::move(sliding_rope)) {}

  void Run(Step& step, std::span<const std::int32_t> tokens) const override {
    const auto width = static_cast<float>(step.config.embedding_length);
    Embed(step, embedding_, tokens, std::sqrt(width));
    PrepareRope(step, rope_, step.buffers.rope);
    PrepareRope(step, sliding_rope_, step.buffers.sliding_rope);
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
    const std::size_t window = step.config.Window(layer);
    Normalise(step, weights.attention_norm, b.normed);
    Project(step, b.normed,
            {{weights.query, b.queries}, {weights.key, b.keys}, {weights.value, b.values}});
    NormaliseInPlace(step, weights.query_norm, b.queries);
    NormaliseInPlace(step, weights.key_norm, b.keys);
    RotateAndStore(step, layer, window > 0 ? b.sliding_rope : b.rope);
    Attend(step, layer, {.window = window});
    Project(step, b.mixed, {{weights.attention_output, b.delta}});
    NormaliseInPlace(step, weights.attention_output_norm, b.delta);
    AddDelta(step);
  }

  void RunFeedForward(Step& step, std::size_t layer) const {
    const LayerWeights& weights = layers_[layer];
    Normalise(step, weights.feed_forward_norm, step.buffers.normed);
    RunGate(step, weights, Gate::kGelu);
    Project(step, step.buffers.gated, {{weights.down, step.buffers.delta}});
    NormaliseInPlace(step, weights.feed_forward_output_norm, step.buffers.delta);
    AddDelta(step);
  }

  MatrixView embedding_;  // [vocabulary][D]
  std::vector<LayerWeights> layers_;
  Rope rope_;
  Rope sliding_rope_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> BindGemma(const ModelConfig& config, const ModelTensors& tensors) {
  const MatrixView embedding = TRY(BindRows(*tensors.token_embd));
  ModelConfig sliding = config;
  sliding.rope_base = config.rope_base_sliding;
  sliding.rope_scaling = RopeScaling::kNone;
  sliding.rope_scale = 1;
  return std::make_unique<GemmaDecoder>(embedding, TRY(BindLayers(tensors)),
                                        MakeRope(config, tensors), MakeRope(sliding, {}));
}

}  // namespace kinglet
