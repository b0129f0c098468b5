// SPDX-License-Identifier: Apache-2.0
// THE door of the kernels: a table of coarse operations, filled once for each instruction set.
// Plain pointers and numbers only, so that a file compiled for a newer CPU can include it.
//
// One arithmetic a type: a row of a result has the same bits for any batch, chunk or thread count.
// Quantised weights meet activations of 8 bits, one f32 scale per 32 values: integer sums inside a
// span, then one f32 multiply-add a span in the order of K. Weights of all types can meet f32
// activations too, expanded to f32 where they are no floats: nothing but sums is rounded then.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/panels.h"
#include "tensor/dtype.h"

namespace kinglet {

inline constexpr int kSpan = 32;         // values that share an activation scale
inline constexpr int kKeyLanes = 16;     // keys of the attention cache that lie side by side
inline constexpr int kQueryTile = 8;     // queries of a head that an Attend takes at most
inline constexpr int kMaxColumns = 512;  // activation columns of a matrix product at most

// A weight matrix. Does not own the data.
struct MatrixView {
  DType dtype = DType::kF32;
  const std::uint8_t* data = nullptr;
  // Bytes from a row to the next, as in the file; where it is packed (kernels/panels.h), from a
  // panel of 16 rows to the next.
  std::size_t stride = 0;
  int rows = 0;
  int columns = 0;  // K; a multiple of the type's block
  bool packed = false;
};

// `count` columns of K activations rounded to 8 bits. value = scale * code.
struct QuantisedColumns {
  std::int8_t* codes = nullptr;  // [count][K], in -127..127
  float* scales = nullptr;       // [count][K/32]
  float* sums = nullptr;         // [count][K/32]: scale times the sum of the span's codes
  float* half_sums = nullptr;    // [count][K/16]: the same for each half of a span
};

struct MatmulArgs {
  MatrixView weights;
  QuantisedColumns quantised;     // for weights that IsQuantised() names; or none, and
  const float* floats = nullptr;  // [count][K], for weights of any type: nothing is rounded
  int count = 0;                  // columns, 1..kMaxColumns
  const float* bias = nullptr;    // [rows] or null
  bool accumulate = false;        // add to what is in `out`
  float* out = nullptr;           // [count][out_stride]
  std::size_t out_stride = 0;     // values
  int row_begin = 0;              // a multiple of kPanelRows
  int row_end = 0;
};

struct KeyRange {
  int begin = 0;
  int end = 0;
};

// One head's attention for a few neighbouring queries of one sequence. Query i is the token at
// position first_position + i. In a decoder it sees the keys up to its own, the last `window` of
// them where that is not 0; in an encoder all of [0, key_count).
struct AttendArgs {
  // The keys that query i sees.
  KeyRange Visible(int i) const {
    const int end = key_count > 0 ? key_count : first_position + i + 1;
    return {window > 0 && window < end ? end - window : 0, end};
  }

  const float* queries = nullptr;  // [count][query_stride], head_dim values each
  std::size_t query_stride = 0;
  int count = 0;  // 1..kQueryTile
  int first_position = 0;
  int key_count = 0;  // 0: a decoder; else an encoder, at least first_position + count
  int window = 0;     // keys; 0: all
  const std::uint16_t* keys = nullptr;    // f16 [position / 16][head_dim][16]: keys are the lanes
  const std::uint16_t* values = nullptr;  // f16 [position][value_stride]
  int head_dim = 0;
  int value_stride = 0;          // head_dim rounded up to 16; the rest is 0
  float scale = 1;               // of the scores
  float* scores = nullptr;       // scratch [count][score_stride]
  std::size_t score_stride = 0;  // at least the visible keys, rounded up to 16
  float* out = nullptr;          // [count][out_stride]
  std::size_t out_stride = 0;
};

struct Ops {
  const char* name;   // as KINGLET_ISA has it
  bool takes_panels;  // matmul wants weights packed, where their type has panels

  // x [k] -> column `column` of out. Where residual is not null it takes what the rounding lost,
  // [k]: a product with the residual's own rounding added makes 16-bit activations of two 8-bit
  // ones. A column with a value that is not finite becomes NaN there.
  void (*quantise)(const float* x, int k, const QuantisedColumns& out, int column, float* residual);
  // out[c][r] = weights[r] . activations[c] + bias[r] for rows [row_begin, row_end).
  void (*matmul)(const MatmulArgs& args);
  // row [columns] of any supported type -> out [columns].
  void (*dequantise_row)(DType dtype, const std::uint8_t* row, int columns, float* out);

  // out[i] = x[i] / rms(x) * weight[i]
  void (*rms_norm)(const float* x, const float* weight, int n, float epsilon, float* out);
  void (*add)(const float* x, int n, float* inout);
  // inout[i] += scale * x[i], rounded once
  void (*add_scaled)(const float* x, float scale, int n, float* inout);
  // gate[i] = silu(gate[i]) * up[i]
  void (*silu_mul)(const float* up, int n, float* gate);
  // The same with GELU by its approximation with tanh (Hendrycks and Gimpel 2016), as Gemma has it.
  void (*gelu_mul)(const float* up, int n, float* gate);
  void (*attend)(const AttendArgs& args);
  void (*to_half)(const float* x, int n, std::uint16_t* out);
};

}  // namespace kinglet
