// SPDX-License-Identifier: Apache-2.0
// The sizes of all buffers.
#include "model/step.h"

#include <algorithm>

namespace kinglet {

Activations::Activations(std::size_t width, bool rounds, std::size_t rows)
    : width_(width), rounds_(rounds && width % kSpan == 0), values_(rows * width) {
  if (!rounds_) return;
  const std::size_t spans = rows * width / kSpan;
  const std::ptrdiff_t stride = CodeStride(static_cast<std::ptrdiff_t>(width));
  codes_.resize(rows * static_cast<std::size_t>(stride));
  scales_.resize(spans);
  sums_.resize(spans);
  half_sums_.resize(2 * spans);
  quantised_ = {codes_.data(), scales_.data(), sums_.data(), half_sums_.data(), stride};
}

QuantisedColumns Activations::QuantisedFrom(std::size_t row, std::size_t first) const {
  if (!rounds_) return {};
  const std::size_t span = (row * width_ + first) / kSpan;
  const std::size_t code = row * static_cast<std::size_t>(quantised_.stride) + first;
  return {quantised_.codes + code, quantised_.scales + span, quantised_.sums + span,
          quantised_.half_sums + 2 * span, quantised_.stride};
}

void Activations::Round(const Ops& ops, std::size_t row, std::size_t first, std::size_t count) {
  if (!rounds_) return;
  ops.quantise(this->row(row) + first, static_cast<int>(count), QuantisedFrom(row, first), 0,
               nullptr);
}

void Activations::CopyRow(const Activations& from, std::size_t from_row, std::size_t row,
                          bool floats) {
  if (floats) std::copy_n(from.row(from_row), width_, this->row(row));
  if (!rounds_) return;
  const QuantisedColumns source = from.QuantisedFrom(from_row);
  const QuantisedColumns target = QuantisedFrom(row);
  const std::size_t spans = width_ / kSpan;
  std::copy_n(source.codes, width_, target.codes);
  std::copy_n(source.scales, spans, target.scales);
  std::copy_n(source.sums, spans, target.sums);
  std::copy_n(source.half_sums, 2 * spans, target.half_sums);
}

MixtureBuffers::MixtureBuffers(const ModelConfig& config, bool rounds)
    : odds(kStepTokens * config.expert_count),
      chosen(kStepTokens * config.expert_used_count),
      shares(chosen.size()),
      rows(chosen.size()),
      first_row(config.expert_count + 1),
      by_load(config.expert_count),
      gathered(config.embedding_length, rounds, chosen.size()),
      gated(config.feed_forward_length, rounds, chosen.size()),
      up(chosen.size() * config.feed_forward_length),
      out(chosen.size() * config.embedding_length) {}

StepBuffers::StepBuffers(const ModelConfig& config, const KvBlockLayout& kv_layout, bool rounds,
                         std::size_t context_tokens, int thread_count)
    : hidden(kStepTokens * config.embedding_length),
      delta(kStepTokens * config.embedding_length),
      normed(config.embedding_length, rounds),
      queries(kStepTokens * config.query_width()),
      keys(kStepTokens * config.key_width()),
      values(kStepTokens * config.key_width()),
      mixed(config.query_width(), rounds),
      gated(config.expert_count > 0 ? 0 : config.feed_forward_length, rounds),
      up(kStepTokens * gated.width()),
      rope(config.rope_dim),
      sliding_rope(config.sliding_period > 0 ? config.rope_dim : 0),
      mixture(config, rounds),
      attention(config, kv_layout, context_tokens, thread_count) {}

}  // namespace kinglet
