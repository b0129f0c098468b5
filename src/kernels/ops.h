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

#include "kernels/kv_block.h"
#include "kernels/panels.h"
#include "tensor/dtype.h"

namespace kinglet {

inline constexpr int kSpan = 32;         // values that share an activation scale
inline constexpr int kMaxColumns = 512;  // activation columns of a matrix product at most
inline constexpr int kMaxCodes = 65536;  // of a vector, so that a sum of products fits 32 bits

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
  std::int8_t* codes = nullptr;  // [count][stride], K of them in -127..127
  float* scales = nullptr;       // [count][K/32]
  float* sums = nullptr;         // [count][K/32]: scale times the sum of the span's codes
  float* half_sums = nullptr;    // [count][K/16]: the same for each half of a span
  std::ptrdiff_t stride = 0;     // of codes, from a column to the next; CodeStride(K) serves best
};

// An odd number of cache lines: columns whose distance is a power of two would fight for the same
// lines of the first cache.
constexpr std::ptrdiff_t CodeStride(std::ptrdiff_t k) { return (k + 127) / 128 * 128 + 64; }

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

// ---- attention ----
// Positions are cut into segments of a fixed length. A row (one query of one head) meets a segment
// in one arithmetic that depends on the row and on the segment's place alone, which gives a partial
// result; partial results are merged in the order of positions. So it does not matter which rows
// are computed together, how many threads share the segments, or where pages lie.

inline constexpr int kSegmentPages = 4;
inline constexpr int kSegmentTokens = kSegmentPages * kPageTokens;
inline constexpr int kAttendRows = 48;  // rows that an attend takes at most

// A query and the keys that it sees: positions [begin, end) of its sequence.
struct AttendRow {
  const float* query = nullptr;  // [head_dim]
  int begin = 0;
  int end = 0;
};

// A partial result is [value_stride + 16] floats: the mix of values, not divided yet; then the
// greatest score, and the sum of exp(score - greatest); then padding.
constexpr std::size_t PartialFloats(const KvBlockLayout& layout) {
  return static_cast<std::size_t>(layout.value_stride) + 16;
}
// Scores, a page widened to f32, and queries.
constexpr std::size_t AttendScratchFloats(const KvBlockLayout& layout) {
  return std::size_t{kAttendRows} * kSegmentTokens +
         std::size_t{kPageTokens + kAttendRows} * static_cast<std::size_t>(layout.value_stride);
}

struct KeyRange {
  int begin = 0;
  int end = 0;
};

// Rows that share a head of keys and values, and one segment.
struct AttendArgs {
  const KvBlockLayout* layout = nullptr;
  const AttendRow* rows = nullptr;
  int count = 0;           // 1..kAttendRows
  int first_position = 0;  // of the segment
  // The blocks of the segment's pages; only those with a key that a row sees are read.
  const std::uint8_t* blocks[kSegmentPages] = {};
  float scale = 1;           // of the scores
  float* scratch = nullptr;  // [AttendScratchFloats], best at a line of the cache
  float* out = nullptr;      // [count][PartialFloats]; of a row that sees no key here: nothing
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
  // out[i] = (x[i] - mean(x)) / deviation(x) * weight[i] + bias[i]; out may be x
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int n, float epsilon,
                     float* out);
  void (*add)(const float* x, int n, float* inout);
  // inout[i] += scale * x[i], rounded once
  void (*add_scaled)(const float* x, float scale, int n, float* inout);
  // gate[i] = silu(gate[i]) * up[i]
  void (*silu_mul)(const float* up, int n, float* gate);
  // The same with GELU by its approximation with tanh (Hendrycks and Gimpel 2016), as Gemma has it.
  void (*gelu_mul)(const float* up, int n, float* gate);
  // inout[i] = GELU of it by the error function, as BERT has it
  void (*gelu)(int n, float* inout);

  // Token `slot` of a page: key and value [head_dim] of the head that the block keeps.
  void (*store_kv)(const KvBlockLayout& layout, const float* key, const float* value, int slot,
                   std::uint8_t* block);
  void (*attend)(const AttendArgs& args);
  // Adds what a row found in a segment to what it found in those before.
  void (*merge_partial)(const float* partial, int value_stride, float* inout);

  // out[i] = query . the codes at `codes` + i * width, exactly. width: bytes, a multiple of 64 and
  // at most kMaxCodes; codes in -127..127.
  void (*dot_codes)(const std::int8_t* query, const std::int8_t* codes, int width, int count,
                    std::int32_t* out);
};

}  // namespace kinglet
