// SPDX-License-Identifier: Apache-2.0
// OLMoE (Muennighoff et al. 2024): every layer a mixture, whose shares are those of the softmax
// over all experts; queries and keys normalised over all heads at once.
#include "model/architecture.h"
#include "model/blocks.h"
#include "model/moe.h"
#include "model/rope.h"
#include "model/weights.h"

namespace kinglet {
namespace {

class OlmoeDecoder : public Decoder {
 public:
  OlmoeDecoder(const MatrixView& embedding, std::vector<LayerWeights> layers, Rope rope)
      : embedding_(embedding), layers_(std::move(layers)), rope_(std::move(rope)) {}

  void Run(Step& step, std::span<const std::int32_t> tokens) const override {
    Embed(step, embedding_, tokens);
    PrepareRope(step, rope_, step.buffers.rope);
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      RunAttention(step, layer);
      RunExpertLayer(step, layer);
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
    Attend(step, layer, {});
    Project(step, b.mixed, {{weights.attention_output, b.hidden, /*accumulate=*/true}});
  }

  void RunExpertLayer(Step& step, std::size_t layer) const {
    const LayerWeights& weights = layers_[layer];
    Normalise(step, weights.feed_forward_norm, step.buffers.normed);
    RunExperts(step, layer, weights.mixture);
    AddDelta(step);
  }

  MatrixView embedding_;  // [vocabulary][D]
  std::vector<LayerWeights> layers_;
  Rope rope_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> BindOlmoe(const ModelConfig& config, const ModelTensors& tensors) {
  const MatrixView embedding = TRY(BindRows(*tensors.token_embd));
  return std::make_unique<OlmoeDecoder>(embedding, TRY(BindLayers(tensors)),
                                        MakeRope(config, tensors));
}

}  // namespace kinglet
