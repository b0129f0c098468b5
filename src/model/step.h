// SPDX-License-Identifier: Apache-2.0
// One step of a forward pass: a few tokens of one sequence or of several, and every buffer that
// they pass through. Buffers are allocated when a model is loaded, for the largest step; a step
// allocates nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/ops.h"
#include "model/attention.h"
#include "model/config.h"
#include "model/kv_pages.h"

namespace kinglet {

inline constexpr std::size_t kStepTokens = kMaxColumns;

// Floats of any value, which take no memory until they are written: most steps are far shorter than
// the longest, and a start need not fill what no step has asked for.
class StepFloats {
 public:
  explicit StepFloats(std::size_t count)
      : floats_(std::make_unique_for_overwrite<float[]>(count)), count_(count) {}

  float* data() { return floats_.get(); }
  const float* data() const { return floats_.get(); }
  std::size_t size() const { return count_; }
  float* begin() { return data(); }
  float* end() { return data() + count_; }
  float& operator[](std::size_t i) { return floats_[i]; }

 private:
  std::unique_ptr<float[]> floats_;
  std::size_t count_;
};

// Columns of activations, rounded to 8 bits, and their memory.
class RoundedColumns {
 public:
  RoundedColumns() = default;
  RoundedColumns(std::size_t width, std::size_t count);
  RoundedColumns(RoundedColumns&&) = default;  // the view stays good
  RoundedColumns& operator=(RoundedColumns&&) = default;

  const QuantisedColumns& view() const { return view_; }
  // The columns from `column` and value `first` on, as a product of these alone takes them.
  QuantisedColumns From(std::size_t column, std::size_t first = 0) const;
  void Copy(const RoundedColumns& from, std::size_t from_column, std::size_t column);

 private:
  std::size_t width_ = 0;
  std::vector<std::int8_t> codes_;  // [count][CodeStride(width)]
  std::vector<float> scales_, sums_, half_sums_;
  QuantisedColumns view_;  // of the four
};

// To 16 bits: to 8, and what that lost to 8 again, for a second product.
enum class Rounding { kNone, kTo8Bits, kTo16Bits };

// A batch of activations: f32 and, where quantised weights wait for it, rounded.
class Activations {
 public:
  Activations(std::size_t width, Rounding rounding, std::size_t rows = kStepTokens);

  std::size_t width() const { return width_; }
  bool rounds() const { return rounding_ != Rounding::kNone; }
  // From now on; between 8 bits and what it was made for.
  void RoundTo(Rounding rounding) { rounding_ = std::min(rounding, finest_); }
  std::span<float> values() { return values_; }
  float* row(std::size_t token) { return values_.data() + token * width_; }
  const float* row(std::size_t token) const { return values_.data() + token * width_; }
  const QuantisedColumns& quantised() const { return rounded_.view(); }
  // The columns from `row` on; and what their rounding lost, of no codes unless to 16 bits.
  QuantisedColumns QuantisedFrom(std::size_t row) const { return rounded_.From(row); }
  QuantisedColumns RestFrom(std::size_t row) const {
    return rounding_ == Rounding::kTo16Bits ? rest_.From(row) : QuantisedColumns();
  }
  // Rounds `count` values of a row, from `first` on; both multiples of a span, or the whole row.
  // Nothing where these activations are not rounded.
  void Round(const Ops& ops, std::size_t row, std::size_t first, std::size_t count);
  void Round(const Ops& ops, std::size_t row) { Round(ops, row, 0, width_); }
  // row = a row of other activations, as wide and as rounded as these. The floats only where
  // something reads them.
  void CopyRow(const Activations& from, std::size_t from_row, std::size_t row, bool floats);

 private:
  std::size_t width_;
  Rounding finest_;  // the widths of some buffers are no multiple of a span: kNone
  Rounding rounding_;
  StepFloats values_;  // [rows][width]
  RoundedColumns rounded_;
  StepFloats lost_;  // [rows][width] by rounding to 8 bits, where there are 16
  RoundedColumns rest_;
};

// The turns of a step's tokens, each [T][rope_dim / 2].
struct RopeTable {
  explicit RopeTable(std::size_t rope_dim)
      : cosines(kStepTokens * rope_dim / 2), sines(cosines.size()) {}

  std::vector<float> cosines, sines;
};

// What the tokens of a mixture pass through. E: experts, U: experts that a token takes, R: T * U
// rows, a row for each expert of each token, sorted by expert. Empty for other models.
struct MixtureBuffers {
  MixtureBuffers(const ModelConfig& config, Rounding rounding);

  std::vector<float> odds;            // [T][E] the router's, then their softmax
  std::vector<int> chosen;            // [T][U] experts, best first
  std::vector<float> shares;          // [T][U] of their outputs
  std::vector<int> rows;              // [T][U]
  std::vector<int> first_row;         // [E + 1] of each expert
  std::vector<int> by_load;           // [E] those with rows, the most first
  std::size_t busy = 0;               // how many have rows
  Activations gathered;               // [R][D]
  Activations gated;                  // [R][F]
  StepFloats up;                      // [R][F]
  StepFloats out;                     // [R][D]
  std::vector<std::uint64_t> counts;  // [layers][E] tokens so far; empty: nobody asked
};

// Neighbouring tokens of a step that belong to one sequence.
struct SequenceRun {
  KvSequence* sequence = nullptr;
  std::size_t first_token = 0;     // of the step
  std::size_t count = 0;           // tokens
  std::size_t first_position = 0;  // of the first token in its sequence
};

// Where a token of a step belongs.
struct TokenPlace {
  std::size_t run = 0;
  std::size_t position = 0;  // in its sequence
};

// T: tokens of the step, D: hidden width, H and G: query and key/value heads, d: head width,
// F: feed-forward width. All are [T][...], a row a token.
struct StepBuffers {
  StepBuffers(const ModelConfig& config, const KvBlockLayout& kv_layout, bool rounds,
              std::size_t context_tokens, int thread_count);

  StepFloats hidden;        // [T][D] the residual stream
  StepFloats delta;         // [T][D] what a block adds to it
  Activations normed;       // [T][D]
  StepFloats queries;       // [T][H * d]
  StepFloats keys, values;  // [T][G * d]
  Activations mixed;        // [T][H * d] what attention found
  Activations gated;        // [T][F]
  StepFloats up;            // [T][F]
  RopeTable rope;
  RopeTable sliding_rope;  // of layers with a base of their own; empty where there are none
  MixtureBuffers mixture;
  AttentionBuffers attention;
};

// What a layer leaves of a token, for somebody who asked.
struct KeptState {
  std::size_t token = 0;  // of the step
  std::size_t layer = 0;
  float* state = nullptr;  // [D]
};

struct Step {
  const Ops& ops;
  ThreadPool& pool;
  const ModelConfig& config;
  const KvPages& pages;
  StepBuffers& buffers;
  std::span<const SequenceRun> runs;
  std::span<const TokenPlace> places;  // [T]
  std::size_t count = 0;               // T, 1..kStepTokens
  std::span<const KeptState> kept_states = {};
};

}  // namespace kinglet
