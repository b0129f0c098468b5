// SPDX-License-Identifier: Apache-2.0
// Route, sort, gather; then one list of tasks over (expert, block of its rows) for gate, up and
// their product, and one for down; then each token adds up its own.
#include "model/moe.h"

#include <algorithm>
#include <cmath>

#include "kernels/backend.h"
#include "model/blocks.h"

namespace kinglet {
namespace {

// Rows of a matrix in a task: whole panels and spans, and few enough that the threads end together.
constexpr int kBlockRows = 128;
static_assert(kBlockRows % kPanelRows == 0 && kBlockRows % kSpan == 0);

int Int(std::size_t n) { return static_cast<int>(n); }

std::size_t Size(int n) { return static_cast<std::size_t>(n); }

// Calls work(item) for each of [0, count), in as many pieces as there are threads.
template <typename Work>
void ForEach(Step& step, std::size_t count, Work&& work) {
  const auto threads = Size(step.pool.thread_count());
  step.pool.ParallelFor(count, (count + threads - 1) / threads,
                        [&](std::size_t begin, std::size_t end, int) {
                          for (std::size_t item = begin; item < end; ++item) work(item);
                        });
}

// odds [E] -> the experts with the greatest, best first, the first of equals; and their shares.
// Valid experts even where the odds are no numbers.
void Choose(std::span<float> odds, std::span<int> chosen, std::span<float> shares, bool add_up) {
  const float top = *std::ranges::max_element(odds);
  float total = 0;
  for (float& odd : odds) total += odd = std::exp(odd - top);
  float chosen_total = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    int best = -1;
    for (int e = 0; e < Int(odds.size()); ++e) {
      if (odds[Size(e)] < 0) continue;  // taken
      if (best < 0 || odds[Size(e)] > odds[Size(best)]) best = e;
    }
    chosen[i] = best;
    shares[i] = odds[Size(best)];
    chosen_total += shares[i];
    odds[Size(best)] = -1;
  }
  for (float& share : shares) share /= add_up ? chosen_total : total;
}

void Route(Step& step, const MixtureWeights& weights) {
  MixtureBuffers& m = step.buffers.mixture;
  const std::size_t experts = step.config.expert_count;
  const std::size_t used = step.config.expert_used_count;
  Project(step, step.buffers.normed, {{weights.router, m.odds}});
  ForEach(step, step.count, [&](std::size_t token) {
    Choose(std::span(m.odds).subspan(token * experts, experts),
           std::span(m.chosen).subspan(token * used, used),
           std::span(m.shares).subspan(token * used, used), step.config.family.shares_add_up);
  });
}

// A counting sort: each (token, expert) gets its row, those of an expert lie together.
void SortByExpert(Step& step, std::size_t layer) {
  MixtureBuffers& m = step.buffers.mixture;
  const std::size_t experts = step.config.expert_count;
  const auto chosen = std::span(m.chosen).first(step.count * step.config.expert_used_count);
  const auto load = [&](int expert) {
    return m.first_row[Size(expert) + 1] - m.first_row[Size(expert)];
  };
  std::ranges::fill(m.first_row, 0);
  for (const int expert : chosen) ++m.first_row[Size(expert) + 1];
  m.busy = 0;
  for (std::size_t e = 0; e < experts; ++e) {
    const int rows = m.first_row[e + 1];
    if (rows > 0) m.by_load[m.busy++] = Int(e);
    if (!m.counts.empty()) m.counts[layer * experts + e] += static_cast<std::uint64_t>(rows);
    m.first_row[e + 1] += m.first_row[e];
  }
  std::ranges::sort(std::span(m.by_load).first(m.busy), std::ranges::greater(), load);
  for (std::size_t i = 0; i < chosen.size(); ++i) m.rows[i] = m.first_row[Size(chosen[i])]++;
  std::ranges::copy_backward(std::span(m.first_row).first(experts), m.first_row.end());
  m.first_row[0] = 0;
}

void Gather(Step& step, const MixtureWeights& weights) {
  MixtureBuffers& m = step.buffers.mixture;
  const std::size_t used = step.config.expert_used_count;
  const bool floats = !m.gathered.rounds() || !IsQuantised(weights.gate[0].weights.dtype) ||
                      !IsQuantised(weights.up[0].weights.dtype);
  ForEach(step, step.count, [&](std::size_t token) {
    for (std::size_t i = token * used; i < (token + 1) * used; ++i) {
      m.gathered.CopyRow(step.buffers.normed, token, Size(m.rows[i]), floats);
    }
  });
}

// Calls work(expert, row_begin, row_end) for all rows of the busy experts' matrices.
template <typename Work>
void ForEachBlock(Step& step, int rows, Work&& work) {
  MixtureBuffers& m = step.buffers.mixture;
  const std::size_t blocks = Size((rows + kBlockRows - 1) / kBlockRows);
  step.pool.ParallelFor(m.busy * blocks, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t unit = begin; unit < end; ++unit) {
      const int first = Int(unit % blocks) * kBlockRows;
      work(Size(m.by_load[unit / blocks]), first, std::min(first + kBlockRows, rows));
    }
  });
}

// out rows of the expert = in rows of the expert x weights, for some of the weights' rows.
void Multiply(Step& step, std::size_t expert, const Linear& linear, const Activations& in,
              int row_begin, int row_end, float* out) {
  const MixtureBuffers& m = step.buffers.mixture;
  const std::size_t first = Size(m.first_row[expert]);
  MatmulArgs args;
  args.weights = linear.weights;
  SetActivations(in, first, args);
  args.count = m.first_row[expert + 1] - m.first_row[expert];
  args.out_stride = Size(linear.weights.rows);
  args.out = out + first * args.out_stride;
  args.row_begin = row_begin;
  args.row_end = row_end;
  step.ops.matmul(args);
}

void RunGateAndUp(Step& step, const MixtureWeights& weights) {
  MixtureBuffers& m = step.buffers.mixture;
  const std::size_t width = m.gated.width();
  ForEachBlock(step, Int(width), [&](std::size_t expert, int begin, int end) {
    Multiply(step, expert, weights.gate[expert], m.gathered, begin, end, m.gated.row(0));
    Multiply(step, expert, weights.up[expert], m.gathered, begin, end, m.up.data());
    for (int row = m.first_row[expert]; row < m.first_row[expert + 1]; ++row) {
      const std::size_t at = Size(row) * width + Size(begin);
      step.ops.silu_mul(&m.up[at], end - begin, m.gated.row(0) + at);
      m.gated.Round(step.ops, Size(row), Size(begin), Size(end - begin));
    }
  });
}

void RunDown(Step& step, const MixtureWeights& weights) {
  MixtureBuffers& m = step.buffers.mixture;
  const std::size_t width = step.config.embedding_length;
  const std::size_t used = step.config.expert_used_count;
  ForEachBlock(step, Int(width), [&](std::size_t expert, int begin, int end) {
    Multiply(step, expert, weights.down[expert], m.gated, begin, end, m.out.data());
  });
  ForEach(step, step.count, [&](std::size_t token) {
    float* delta = &step.buffers.delta[token * width];
    std::fill_n(delta, width, 0.0F);
    for (std::size_t i = token * used; i < (token + 1) * used; ++i) {
      step.ops.add_scaled(&m.out[Size(m.rows[i]) * width], m.shares[i], Int(width), delta);
    }
  });
}

}  // namespace

void RunExperts(Step& step, std::size_t layer, const MixtureWeights& weights) {
  Route(step, weights);
  SortByExpert(step, layer);
  Gather(step, weights);
  RunGateAndUp(step, weights);
  RunDown(step, weights);
}

}  // namespace kinglet
