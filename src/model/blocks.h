// SPDX-License-Identifier: Apache-2.0
// The moves that forward passes are told in. Each shares its work among the pool's threads; none
// lets their number touch a result.
#pragma once

#include <initializer_list>
#include <span>

#include "model/rope.h"
#include "model/step.h"
#include "model/weights.h"

namespace kinglet {

struct Projection {
  const Linear& linear;
  std::span<float> out;     // [T][rows]
  bool accumulate = false;  // add to what is there
};

// hidden [T][D] = the rows of the embedding, times scale.
void Embed(Step& step, const MatrixView& embedding, std::span<const std::int32_t> tokens,
           float scale = 1);

// After a layer: what it leaves of tokens, for those who asked.
void KeepStates(const Step& step, std::size_t layer);

// table = cosines and sines of each position times each speed.
void PrepareRope(Step& step, const Rope& rope, RopeTable& table);

// out = hidden normalised by its root mean square, times weight [D]; rounded too.
void Normalise(Step& step, std::span<const float> weight, Activations& out);

// The rows of `in` from first_row on, in the form that args.weights take: a file may mix matrices
// that meet rounded activations with others that do not.
void SetActivations(const Activations& in, std::size_t first_row, MatmulArgs& args);

// out = (out +) in x weights + bias, for each of the projections of one input: `count` rows of it.
void Project(const Ops& ops, ThreadPool& pool, const Activations& in, std::size_t count,
             std::initializer_list<Projection> projections);
inline void Project(Step& step, const Activations& in,
                    std::initializer_list<Projection> projections) {
  Project(step.ops, step.pool, in, step.count, projections);
}

// Each piece of the rows, as long as the weight, normalised by its root mean square, times weight:
// one head [d], all heads together, or a whole row [D]. rows: a buffer of the step, of kStepTokens
// rows, each a multiple of it. An empty weight changes nothing.
void NormaliseInPlace(Step& step, std::span<const float> weight, std::span<float> rows);

// Rotates queries and keys by their positions; keys and values go to the cache.
void RotateAndStore(Step& step, std::size_t layer, const RopeTable& table);

// mixed = for each query head, values weighted by softmax(query . key / sqrt(d)); rounded too.
void Attend(Step& step, std::size_t layer, const AttentionSpan& span);

// A layer norm [D]. Views into the file.
struct LayerNorm {
  std::span<const float> weight, bias;
};

// hidden = hidden less its mean, over its deviation, times weight, plus bias; out = hidden, rounded
// too.
void NormaliseLayer(Step& step, const LayerNorm& norm, Activations& out);

// gated = gelu(up(normed)); rounded too.
void RunGelu(Step& step, const Linear& up);

enum class Gate { kSilu, kGelu };

// gated = silu or gelu of gate(normed), times up(normed); rounded too. A piece of gate and up goes
// all the way while it is in the cache.
void RunGate(Step& step, const LayerWeights& weights, Gate gate);

// hidden += delta
void AddDelta(Step& step);

}  // namespace kinglet
