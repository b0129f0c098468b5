// SPDX-License-Identifier: Apache-2.0
// Each move as a parallel loop over tokens, panels of weights, or heads.
#include "model/blocks.h"

#include <algorithm>
#include <cmath>

#include "kernels/backend.h"

namespace kinglet {
namespace {

int Int(std::size_t n) { return static_cast<int>(n); }

// One piece a thread: tokens cost alike. A single token stays with the caller.
template <typename Work>
void ForEachToken(Step& step, Work&& work) {
  const auto threads = static_cast<std::size_t>(step.pool.thread_count());
  step.pool.ParallelFor(step.count, (step.count + threads - 1) / threads,
                        [&](std::size_t begin, std::size_t end, int) {
                          for (std::size_t token = begin; token < end; ++token) work(token);
                        });
}

std::size_t Panels(const Linear& linear) {
  return (static_cast<std::size_t>(linear.weights.rows) + kPanelRows - 1) / kPanelRows;
}

// Eight pieces a thread: few enough to cost nothing, small enough that no thread waits long for
// another that was put aside. Whole tiles of two panels.
std::size_t PanelsAPiece(const ThreadPool& pool, std::size_t panels) {
  const std::size_t pieces = static_cast<std::size_t>(pool.thread_count()) * 8;
  return std::max<std::size_t>(2, panels / pieces / 2 * 2);
}

// Panels [from, to) of a projection.
void MultiplyPanels(const Ops& ops, const Activations& in, std::size_t count,
                    const Projection& projection, std::size_t from, std::size_t to) {
  const Linear& linear = projection.linear;
  MatmulArgs args;
  args.weights = linear.weights;
  SetActivations(in, 0, args);
  args.count = Int(count);
  if (!linear.bias.empty()) args.bias = linear.bias.data();
  args.accumulate = projection.accumulate;
  args.out = projection.out.data();
  args.out_stride = static_cast<std::size_t>(linear.weights.rows);
  args.row_begin = Int(from * kPanelRows);
  args.row_end = std::min(Int(to * kPanelRows), linear.weights.rows);
  ops.matmul(args);
  if (args.quantised.codes == nullptr) return;
  args.quantised = in.RestFrom(0);
  if (args.quantised.codes == nullptr) return;
  args.bias = nullptr;
  args.accumulate = true;
  ops.matmul(args);
}

// work(begin, end): pieces of a matrix's panels.
template <typename Work>
void ForEachPiece(Step& step, const Linear& linear, Work&& work) {
  const std::size_t panels = Panels(linear);
  step.pool.ParallelFor(panels, PanelsAPiece(step.pool, panels),
                        [&](std::size_t begin, std::size_t end, int) { work(begin, end); });
}

// bend(token, gated, first, count) changes the rows of panels [begin, end) of gated, `count` values
// of a token from `first` on, while they are in the cache; then they are rounded.
template <typename Bend>
void BendPiece(Step& step, std::size_t begin, std::size_t end, Bend&& bend) {
  Activations& gated = step.buffers.gated;
  const std::size_t first = begin * kPanelRows;
  const std::size_t count = std::min(end * kPanelRows, gated.width()) - first;
  for (std::size_t token = 0; token < step.count; ++token) {
    bend(token, gated.row(token) + first, first, Int(count));
    gated.Round(step.ops, token, first, count);
  }
}

void RotateHead(float* head, std::size_t half, RopePairs pairs, const float* cosines,
                const float* sines) {
  const std::size_t pair_step = pairs == RopePairs::kNeighbours ? 2 : 1;
  const std::size_t partner = pairs == RopePairs::kNeighbours ? 1 : half;
  for (std::size_t i = 0; i < half; ++i) {
    float& a = head[i * pair_step];
    float& b = head[i * pair_step + partner];
    const float first = a * cosines[i] - b * sines[i];
    b = a * sines[i] + b * cosines[i];
    a = first;
  }
}

// A token's keys and values, into its place in the cache.
void StoreToken(const Step& step, std::size_t layer, std::size_t token) {
  const ModelConfig& config = step.config;
  const TokenPlace& place = step.places[token];
  const std::size_t first = token * config.key_width();
  std::uint8_t* page = step.runs[place.run].sequence->pages()[place.position / kPageTokens];
  for (std::size_t head = 0; head < config.kv_head_count; ++head) {
    const std::size_t at = first + head * config.head_dim;
    step.ops.store_kv(step.pages.layout(), &step.buffers.keys[at], &step.buffers.values[at],
                      Int(place.position % kPageTokens),
                      page + step.pages.BlockOffset(layer, head));
  }
}

}  // namespace

void Embed(Step& step, const MatrixView& embedding, std::span<const std::int32_t> tokens,
           float scale) {
  const std::size_t width = step.config.embedding_length;
  ForEachToken(step, [&](std::size_t token) {
    const auto row = static_cast<std::size_t>(tokens[token]) * embedding.stride;
    float* const hidden = &step.buffers.hidden[token * width];
    step.ops.dequantise_row(embedding.dtype, embedding.data + row, Int(width), hidden);
    if (scale == 1) return;
    for (std::size_t i = 0; i < width; ++i) hidden[i] *= scale;
  });
}

void PrepareRope(Step& step, const Rope& rope, RopeTable& table) {
  const std::size_t pairs = rope.speeds.size();
  ForEachToken(step, [&](std::size_t token) {
    const auto position = static_cast<double>(step.places[token].position);
    for (std::size_t i = 0; i < pairs; ++i) {
      const double angle = position * rope.speeds[i];
      table.cosines[token * pairs + i] = static_cast<float>(std::cos(angle) * rope.magnitude);
      table.sines[token * pairs + i] = static_cast<float>(std::sin(angle) * rope.magnitude);
    }
  });
}

void Normalise(Step& step, std::span<const float> weight, Activations& out) {
  const std::size_t width = weight.size();
  ForEachToken(step, [&](std::size_t token) {
    step.ops.rms_norm(&step.buffers.hidden[token * width], weight.data(), Int(width),
                      static_cast<float>(step.config.rms_epsilon), out.row(token));
    out.Round(step.ops, token);
  });
}

void SetActivations(const Activations& in, std::size_t first_row, MatmulArgs& args) {
  if (in.rounds() && IsQuantised(args.weights.dtype)) {
    args.quantised = in.QuantisedFrom(first_row);
  } else {
    args.floats = in.row(first_row);
  }
}

void Project(const Ops& ops, ThreadPool& pool, const Activations& in, std::size_t count,
             std::initializer_list<Projection> projections) {
  std::size_t total = 0;
  for (const Projection& projection : projections) total += Panels(projection.linear);
  pool.ParallelFor(total, PanelsAPiece(pool, total), [&](std::size_t begin, std::size_t end, int) {
    std::size_t first_panel = 0;  // of this projection among all
    for (const Projection& projection : projections) {
      const std::size_t panels = Panels(projection.linear);
      const std::size_t from = std::clamp(begin, first_panel, first_panel + panels) - first_panel;
      const std::size_t to = std::clamp(end, first_panel, first_panel + panels) - first_panel;
      first_panel += panels;
      if (from < to) MultiplyPanels(ops, in, count, projection, from, to);
    }
  });
}

void NormaliseInPlace(Step& step, std::span<const float> weight, std::span<float> rows) {
  if (weight.empty()) return;
  const std::size_t width = rows.size() / kStepTokens;
  ForEachToken(step, [&](std::size_t token) {
    for (std::size_t at = token * width; at < (token + 1) * width; at += weight.size()) {
      step.ops.rms_norm(&rows[at], weight.data(), Int(weight.size()),
                        static_cast<float>(step.config.rms_epsilon), &rows[at]);
    }
  });
}

void RotateAndStore(Step& step, std::size_t layer, const RopeTable& table) {
  const ModelConfig& config = step.config;
  StepBuffers& buffers = step.buffers;
  const RopePairs pairs = config.family.rope_pairs;
  const std::size_t half = config.rope_dim / 2;
  const std::size_t kv_width = config.key_width();
  ForEachToken(step, [&](std::size_t token) {
    const float* cosines = table.cosines.data() + token * half;
    const float* sines = table.sines.data() + token * half;
    float* query = &buffers.queries[token * config.query_width()];
    float* key = &buffers.keys[token * kv_width];
    for (std::size_t head = 0; head < config.head_count; ++head) {
      RotateHead(query + head * config.head_dim, half, pairs, cosines, sines);
    }
    for (std::size_t head = 0; head < config.kv_head_count; ++head) {
      RotateHead(key + head * config.head_dim, half, pairs, cosines, sines);
    }
    StoreToken(step, layer, token);
  });
}

void Attend(Step& step, std::size_t layer, const AttentionSpan& span) {
  MixValues(step, layer, span);
  ForEachToken(step, [&](std::size_t token) { step.buffers.mixed.Round(step.ops, token); });
}

void NormaliseLayer(Step& step, const LayerNorm& norm, Activations& out) {
  const std::size_t width = out.width();
  ForEachToken(step, [&](std::size_t token) {
    float* const hidden = &step.buffers.hidden[token * width];
    step.ops.layer_norm(hidden, norm.weight.data(), norm.bias.data(), Int(width),
                        static_cast<float>(step.config.layer_norm_epsilon), hidden);
    std::copy_n(hidden, width, out.row(token));
    out.Round(step.ops, token);
  });
}

void RunGelu(Step& step, const Linear& up) {
  StepBuffers& b = step.buffers;
  ForEachPiece(step, up, [&](std::size_t begin, std::size_t end) {
    MultiplyPanels(step.ops, b.normed, step.count, {up, b.gated.values()}, begin, end);
    BendPiece(step, begin, end, [&](std::size_t, float* gated, std::size_t, int values) {
      step.ops.gelu(values, gated);
    });
  });
}

void RunGate(Step& step, const LayerWeights& weights, Gate gate) {
  StepBuffers& b = step.buffers;
  const std::size_t width = b.gated.width();
  const auto multiply = gate == Gate::kSilu ? step.ops.silu_mul : step.ops.gelu_mul;
  ForEachPiece(step, weights.gate, [&](std::size_t begin, std::size_t end) {
    MultiplyPanels(step.ops, b.normed, step.count, {weights.gate, b.gated.values()}, begin, end);
    MultiplyPanels(step.ops, b.normed, step.count, {weights.up, b.up}, begin, end);
    BendPiece(step, begin, end,
              [&](std::size_t token, float* gated, std::size_t first, int values) {
                multiply(&b.up[token * width + first], values, gated);
              });
  });
}

void KeepStates(const Step& step, std::size_t layer) {
  const std::size_t width = step.config.embedding_length;
  for (const KeptState& kept : step.kept_states) {
    if (kept.layer != layer) continue;
    std::copy_n(&step.buffers.hidden[kept.token * width], width, kept.state);
  }
}

void AddDelta(Step& step) {
  const std::size_t width = step.config.embedding_length;
  ForEachToken(step, [&](std::size_t token) {
    step.ops.add(&step.buffers.delta[token * width], Int(width),
                 &step.buffers.hidden[token * width]);
  });
}

}  // namespace kinglet
