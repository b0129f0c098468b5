// SPDX-License-Identifier: Apache-2.0
// The sizes of all buffers.
#include "model/step.h"

#include <algorithm>

namespace kinglet {

namespace {

// The narrower a model, the less its rounding averages out. What attention found goes into one
// small product: 16 bits cost little there. SmolLM2 (576 wide): a KL divergence of 2.0e-3 with 8
// bits, 1.7e-3 with 16, for 9 % more products. Wider models lose a fifth of that anyway.
constexpr std::size_t kNarrowWidth = 1024;

Rounding RoundingOfMixed(const ModelConfig& config, bool rounds) {
  if (!rounds) return Rounding::kNone;
  if (config.family.encoder) return Rounding::kTo8Bits;  // nothing gained by more
  return config.embedding_length < kNarrowWidth ? Rounding::kTo16Bits : Rounding::kTo8Bits;
}

// An encoder asks for 16 bits where a text is short.
Rounding RoundingOfNormed(const ModelConfig& config, bool rounds) {
  if (!rounds) return Rounding::kNone;
  return config.family.encoder ? Rounding::kTo16Bits : Rounding::kTo8Bits;
}

Rounding RoundingOf(bool rounds) { return rounds ? Rounding::kTo8Bits : Rounding::kNone; }

}  // namespace

RoundedColumns::RoundedColumns(std::size_t width, std::size_t count) : width_(width) {
  const std::size_t spans = count * width / kSpan;
  const std::ptrdiff_t stride = CodeStride(static_cast<std::ptrdiff_t>(width));
  codes_.resize(count * static_cast<std::size_t>(stride));
  scales_.resize(spans);
  sums_.resize(spans);
  half_sums_.resize(2 * spans);
  view_ = {codes_.data(), scales_.data(), sums_.data(), half_sums_.data(), stride};
}

QuantisedColumns RoundedColumns::From(std::size_t column, std::size_t first) const {
  if (view_.codes == nullptr) return {};
  const std::size_t span = (column * width_ + first) / kSpan;
  const std::size_t code = column * static_cast<std::size_t>(view_.stride) + first;
  return {view_.codes + code, view_.scales + span, view_.sums + span, view_.half_sums + 2 * span,
          view_.stride};
}

void RoundedColumns::Copy(const RoundedColumns& from, std::size_t from_column, std::size_t column) {
  if (view_.codes == nullptr) return;
  const QuantisedColumns source = from.From(from_column);
  const QuantisedColumns target = From(column);
  const std::size_t spans = width_ / kSpan;
  std::copy_n(source.codes, width_, target.codes);
  std::copy_n(source.scales, spans, target.scales);
  std::copy_n(source.sums, spans, target.sums);
  std::copy_n(source.half_sums, 2 * spans, target.half_sums);
}

Activations::Activations(std::size_t width, Rounding rounding, std::size_t rows)
    : width_(width),
      finest_(width % kSpan == 0 ? rounding : Rounding::kNone),
      rounding_(finest_),
      values_(rows * width),
      lost_(rounding_ == Rounding::kTo16Bits ? rows * width : 0) {
  if (rounding_ != Rounding::kNone) rounded_ = RoundedColumns(width, rows);
  if (rounding_ == Rounding::kTo16Bits) rest_ = RoundedColumns(width, rows);
}

void Activations::Round(const Ops& ops, std::size_t row, std::size_t first, std::size_t count) {
  if (!rounds()) return;
  const auto n = static_cast<int>(count);
  float* const lost =
      rounding_ == Rounding::kTo16Bits ? lost_.data() + row * width_ + first : nullptr;
  ops.quantise(this->row(row) + first, n, rounded_.From(row, first), 0, lost);
  if (lost != nullptr) ops.quantise(lost, n, rest_.From(row, first), 0, nullptr);
}

void Activations::CopyRow(const Activations& from, std::size_t from_row, std::size_t row,
                          bool floats) {
  if (floats) std::copy_n(from.row(from_row), width_, this->row(row));
  rounded_.Copy(from.rounded_, from_row, row);
  rest_.Copy(from.rest_, from_row, row);
}

MixtureBuffers::MixtureBuffers(const ModelConfig& config, Rounding rounding)
    : odds(kStepTokens * config.expert_count),
      chosen(kStepTokens * config.expert_used_count),
      shares(chosen.size()),
      rows(chosen.size()),
      first_row(config.expert_count + 1),
      by_load(config.expert_count),
      gathered(config.embedding_length, rounding, chosen.size()),
      gated(config.feed_forward_length, rounding, chosen.size()),
      up(chosen.size() * config.feed_forward_length),
      out(chosen.size() * config.embedding_length) {}

StepBuffers::StepBuffers(const ModelConfig& config, const KvBlockLayout& kv_layout, bool rounds,
                         std::size_t context_tokens, int thread_count)
    : hidden(kStepTokens * config.embedding_length),
      delta(kStepTokens * config.embedding_length),
      normed(config.embedding_length, RoundingOfNormed(config, rounds)),
      queries(kStepTokens * config.query_width()),
      keys(kStepTokens * config.key_width()),
      values(kStepTokens * config.key_width()),
      mixed(config.query_width(), RoundingOfMixed(config, rounds)),
      gated(config.expert_count > 0 ? 0 : config.feed_forward_length, RoundingOf(rounds)),
      up(kStepTokens * gated.width()),
      rope(config.rope_dim),
      sliding_rope(config.sliding_period > 0 ? config.rope_dim : 0),
      mixture(config, RoundingOf(rounds)),
      attention(config, kv_layout, context_tokens, thread_count) {}

}  // namespace kinglet
