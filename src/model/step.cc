// SPDX-License-Identifier: Apache-2.0
// The sizes of all buffers.
#include "model/step.h"

namespace kinglet {

Activations::Activations(std::size_t width, bool rounds)
    : width_(width), rounds_(rounds && width % kSpan == 0), values_(kStepTokens * width) {
  if (!rounds_) return;
  const std::size_t spans = kStepTokens * width / kSpan;
  codes_.resize(spans * kSpan);
  scales_.resize(spans);
  sums_.resize(spans);
  half_sums_.resize(2 * spans);
  quantised_ = {codes_.data(), scales_.data(), sums_.data(), half_sums_.data()};
}

StepBuffers::StepBuffers(const ModelConfig& config, bool rounds, std::size_t context_tokens,
                         int thread_count)
    : hidden(kStepTokens * config.embedding_length),
      delta(kStepTokens * config.embedding_length),
      normed(config.embedding_length, rounds),
      queries(kStepTokens * config.query_width()),
      keys(kStepTokens * config.key_width()),
      values(kStepTokens * config.key_width()),
      half_keys(kStepTokens * config.key_width()),
      half_values(kStepTokens * config.key_width()),
      mixed(config.query_width(), rounds),
      gated(config.feed_forward_length, rounds),
      up(kStepTokens * config.feed_forward_length),
      rope{std::vector<float>(kStepTokens * config.rope_dim / 2),
           std::vector<float>(kStepTokens * config.rope_dim / 2)},
      // 16 more than the keys of a full context: rows of a power of two would share cache sets.
      score_stride((context_tokens + 15) / 16 * 16 + 16),
      scores(static_cast<std::size_t>(thread_count) * kQueryTile * score_stride) {}

}  // namespace kinglet
