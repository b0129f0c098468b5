// SPDX-License-Identifier: Apache-2.0
// The truth: every operation as its formula, in plain loops. Faster tables are tested against it.
#include "kernels/scalar.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/half.h"
#include "kernels/quant_blocks.h"

namespace kinglet {
namespace {

std::uint16_t Load16(const std::uint8_t* bytes) {
  return static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8));
}
float LoadHalf(const std::uint8_t* bytes) { return HalfToFloat(Load16(bytes)); }

// 32 weights: scale[h] * (code - offset) - minimum, h the half of the span.
struct WeightSpan {
  int codes[kSpan];
  int offset = 0;
  float scale[2];
  float minimum = 0;
};

void ReadNibbles(const std::uint8_t* nibbles, WeightSpan& out) {
  for (int i = 0; i < 16; ++i) {
    out.codes[i] = nibbles[i] & 15;
    out.codes[i + 16] = nibbles[i] >> 4;
  }
}

void ReadFifthBits(const std::uint8_t* high, WeightSpan& out) {
  for (int i = 0; i < kSpan; ++i) out.codes[i] |= ((high[i / 8] >> (i % 8)) & 1) << 4;
}

// The 6-bit scale and minimum of sub-block i: the first four lie in the low six bits of bytes 0..7,
// the others in nibbles of bytes 8..11 and the two high bits of bytes 0..7.
void ReadScaleAndMinimum(const std::uint8_t* packed, int i, int& scale, int& minimum) {
  if (i < 4) {
    scale = packed[i] & 63;
    minimum = packed[i + 4] & 63;
  } else {
    scale = (packed[i + 4] & 15) | ((packed[i - 4] >> 6) << 4);
    minimum = (packed[i + 4] >> 4) | ((packed[i] >> 6) << 4);
  }
}

void ReadHeaderK(const std::uint8_t* d, const std::uint8_t* dmin, const std::uint8_t* packed,
                 int sub_block, WeightSpan& out) {
  int scale = 0;
  int minimum = 0;
  ReadScaleAndMinimum(packed, sub_block, scale, minimum);
  out.scale[0] = out.scale[1] = LoadHalf(d) * static_cast<float>(scale);
  out.minimum = LoadHalf(dmin) * static_cast<float>(minimum);
}

void ReadNibblesK(const std::uint8_t* nibbles, int sub_block, WeightSpan& out) {
  const std::uint8_t* bytes = nibbles + (sub_block / 2) * 32;
  for (int i = 0; i < kSpan; ++i) {
    out.codes[i] = sub_block % 2 == 0 ? bytes[i] & 15 : bytes[i] >> 4;
  }
}

void ReadSpanQ6K(const BlockQ6_K& block, int sub_block, WeightSpan& out) {
  const int half = sub_block / 4;
  const int quarter = sub_block % 4;
  const std::uint8_t* low = block.low + half * 64 + (quarter % 2) * 32;
  const std::uint8_t* high = block.high + half * 32;
  for (int i = 0; i < kSpan; ++i) {
    const int nibble = quarter < 2 ? low[i] & 15 : low[i] >> 4;
    out.codes[i] = nibble | (((high[i] >> (2 * quarter)) & 3) << 4);
  }
  out.offset = 32;
  for (int h = 0; h < 2; ++h) {
    const int scale = block.scales[half * 8 + quarter * 2 + h];
    out.scale[h] = LoadHalf(block.d) * static_cast<float>(scale);
  }
}

// Span `span` of a row: the one place that knows what the bytes of a type mean.
WeightSpan ReadSpan(DType dtype, const std::uint8_t* row, int span) {
  WeightSpan out;
  const auto block = [&]<typename Block>(Block& into, int index) {
    std::memcpy(&into, row + static_cast<std::size_t>(index) * sizeof(Block), sizeof(Block));
  };
  switch (dtype) {
    case DType::kQ4_0: {
      BlockQ4_0 b;
      block(b, span);
      ReadNibbles(b.nibbles, out);
      out.offset = 8;
      out.scale[0] = out.scale[1] = LoadHalf(b.d);
      break;
    }
    case DType::kQ4_1: {
      BlockQ4_1 b;
      block(b, span);
      ReadNibbles(b.nibbles, out);
      out.scale[0] = out.scale[1] = LoadHalf(b.d);
      out.minimum = -LoadHalf(b.m);
      break;
    }
    case DType::kQ5_0: {
      BlockQ5_0 b;
      block(b, span);
      ReadNibbles(b.nibbles, out);
      ReadFifthBits(b.high, out);
      out.offset = 16;
      out.scale[0] = out.scale[1] = LoadHalf(b.d);
      break;
    }
    case DType::kQ5_1: {
      BlockQ5_1 b;
      block(b, span);
      ReadNibbles(b.nibbles, out);
      ReadFifthBits(b.high, out);
      out.scale[0] = out.scale[1] = LoadHalf(b.d);
      out.minimum = -LoadHalf(b.m);
      break;
    }
    case DType::kQ8_0: {
      BlockQ8_0 b;
      block(b, span);
      for (int i = 0; i < kSpan; ++i) out.codes[i] = static_cast<std::int8_t>(b.codes[i]);
      out.scale[0] = out.scale[1] = LoadHalf(b.d);
      break;
    }
    case DType::kQ4_K: {
      BlockQ4_K b;
      block(b, span / 8);
      ReadHeaderK(b.d, b.dmin, b.scales, span % 8, out);
      ReadNibblesK(b.nibbles, span % 8, out);
      break;
    }
    case DType::kQ5_K: {
      BlockQ5_K b;
      block(b, span / 8);
      ReadHeaderK(b.d, b.dmin, b.scales, span % 8, out);
      ReadNibblesK(b.nibbles, span % 8, out);
      for (int i = 0; i < kSpan; ++i) out.codes[i] |= ((b.high[i] >> (span % 8)) & 1) << 4;
      break;
    }
    case DType::kQ6_K: {
      BlockQ6_K b;
      block(b, span / 8);
      ReadSpanQ6K(b, span % 8, out);
      break;
    }
    default:
      __builtin_trap();  // IsSupported() was not asked
  }
  return out;
}

bool IsFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

float ReadFloat(DType dtype, const std::uint8_t* row, int i) {
  const auto at = static_cast<std::size_t>(i);
  switch (dtype) {
    case DType::kF16:
      return LoadHalf(row + 2 * at);
    case DType::kBF16:
      return Bf16ToFloat(Load16(row + 2 * at));
    default: {
      float value = 0;
      std::memcpy(&value, row + 4 * at, sizeof(value));
      return value;
    }
  }
}

float DotFloats(DType dtype, const std::uint8_t* row, const float* x, int k) {
  double sum = 0;
  for (int i = 0; i < k; ++i) sum += static_cast<double>(ReadFloat(dtype, row, i)) * x[i];
  return static_cast<float>(sum);
}

float DotCodes(DType dtype, const std::uint8_t* row, const std::int8_t* codes, const float* scales,
               int k) {
  float sum = 0;
  for (int span = 0; span < k / kSpan; ++span) {
    const WeightSpan w = ReadSpan(dtype, row, span);
    const std::int8_t* x = codes + static_cast<std::ptrdiff_t>(span) * kSpan;
    for (int half = 0; half < 2; ++half) {
      int product = 0;
      int total = 0;
      for (int i = half * 16; i < half * 16 + 16; ++i) {
        product += (w.codes[i] - w.offset) * x[i];
        total += x[i];
      }
      sum += scales[span] *
             (w.scale[half] * static_cast<float>(product) - w.minimum * static_cast<float>(total));
    }
  }
  return sum;
}

void Quantise(const float* x, int k, const QuantisedColumns& out, int column, float* residual) {
  const std::ptrdiff_t spans = k / kSpan;
  for (std::ptrdiff_t span = 0; span < spans; ++span) {
    const float* values = x + span * kSpan;
    std::int8_t* codes = out.codes + column * std::ptrdiff_t{k} + span * kSpan;
    float largest = 0;
    bool finite = true;
    for (int i = 0; i < kSpan; ++i) {
      largest = std::max(largest, std::fabs(values[i]));
      finite = finite && std::isfinite(values[i]);
    }
    // Below the limit a reciprocal would overflow; such a span adds nothing to any sum.
    const bool zero = !finite || largest < kSmallestSpanMaximum;
    const float inverse = zero ? 0 : 127.0F / largest;
    float scale = zero ? 0 : largest / 127.0F;
    if (!finite) scale = std::numeric_limits<float>::quiet_NaN();
    int sums[2] = {0, 0};
    for (int i = 0; i < kSpan; ++i) {
      const int code = zero ? 0 : static_cast<int>(std::nearbyint(values[i] * inverse));
      codes[i] = static_cast<std::int8_t>(code);
      sums[i / 16] += code;
      if (residual != nullptr) {
        residual[span * kSpan + i] = values[i] - scale * static_cast<float>(code);
      }
    }
    out.scales[column * spans + span] = scale;
    out.sums[column * spans + span] = scale * static_cast<float>(sums[0] + sums[1]);
    out.half_sums[2 * (column * spans + span)] = scale * static_cast<float>(sums[0]);
    out.half_sums[2 * (column * spans + span) + 1] = scale * static_cast<float>(sums[1]);
  }
}

void Matmul(const MatmulArgs& args) {
  const MatrixView& w = args.weights;
  const std::ptrdiff_t k = w.columns;
  for (int r = args.row_begin; r < args.row_end; ++r) {
    const std::uint8_t* row = w.data + static_cast<std::size_t>(r) * w.row_bytes;
    for (std::ptrdiff_t c = 0; c < args.count; ++c) {
      float sum = IsFloat(w.dtype) ? DotFloats(w.dtype, row, args.floats + c * k, w.columns)
                                   : DotCodes(w.dtype, row, args.quantised.codes + c * k,
                                              args.quantised.scales + c * (k / kSpan), w.columns);
      if (args.bias != nullptr) sum += args.bias[r];
      args.out[static_cast<std::size_t>(c) * args.out_stride + static_cast<std::size_t>(r)] = sum;
    }
  }
}

void RmsNorm(const float* x, const float* weight, int n, float epsilon, float* out) {
  double squares = 0;
  for (int i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
  const double factor = 1 / std::sqrt(squares / n + epsilon);
  for (int i = 0; i < n; ++i) out[i] = static_cast<float>(x[i] * factor) * weight[i];
}

void Add(const float* x, int n, float* inout) {
  for (int i = 0; i < n; ++i) inout[i] += x[i];
}

void SiluMul(const float* up, int n, float* gate) {
  for (int i = 0; i < n; ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
}

// Softmax of the scores of the visible keys, in place.
void Softmax(float* scores, KeyRange visible) {
  const float top = *std::max_element(scores + visible.begin, scores + visible.end);
  double total = 0;
  for (int j = visible.begin; j < visible.end; ++j) {
    scores[j] = std::exp(scores[j] - top);
    total += scores[j];
  }
  for (int j = visible.begin; j < visible.end; ++j)
    scores[j] = static_cast<float>(scores[j] / total);
}

void Attend(const AttendArgs& a) {
  for (std::ptrdiff_t i = 0; i < a.count; ++i) {
    const float* query = a.queries + i * static_cast<std::ptrdiff_t>(a.query_stride);
    float* scores = a.scores + i * static_cast<std::ptrdiff_t>(a.score_stride);
    const KeyRange visible = a.Visible(static_cast<int>(i));
    for (std::ptrdiff_t j = visible.begin; j < visible.end; ++j) {
      const std::uint16_t* key = a.keys + (j / kKeyLanes) * a.head_dim * kKeyLanes + j % kKeyLanes;
      double score = 0;
      for (std::ptrdiff_t d = 0; d < a.head_dim; ++d) {
        score += static_cast<double>(query[d]) * HalfToFloat(key[d * kKeyLanes]);
      }
      scores[j] = static_cast<float>(score * a.scale);
    }
    Softmax(scores, visible);
    for (std::ptrdiff_t d = 0; d < a.head_dim; ++d) {
      double mixed = 0;
      for (std::ptrdiff_t j = visible.begin; j < visible.end; ++j) {
        mixed += static_cast<double>(scores[j]) * HalfToFloat(a.values[j * a.value_stride + d]);
      }
      a.out[i * static_cast<std::ptrdiff_t>(a.out_stride) + d] = static_cast<float>(mixed);
    }
  }
}

void ToHalf(const float* x, int n, std::uint16_t* out) {
  for (int i = 0; i < n; ++i) out[i] = FloatToHalf(x[i]);
}

}  // namespace

void DequantiseRow(DType dtype, const std::uint8_t* row, int columns, float* out) {
  if (IsFloat(dtype)) {
    for (int i = 0; i < columns; ++i) out[i] = ReadFloat(dtype, row, i);
    return;
  }
  for (int span = 0; span < columns / kSpan; ++span) {
    const WeightSpan w = ReadSpan(dtype, row, span);
    for (int i = 0; i < kSpan; ++i) {
      out[span * kSpan + i] =
          w.scale[i / 16] * static_cast<float>(w.codes[i] - w.offset) - w.minimum;
    }
  }
}

const Ops kScalarOps = {
    .name = "scalar",
    .quantise = Quantise,
    .matmul = Matmul,
    .dequantise_row = DequantiseRow,
    .rms_norm = RmsNorm,
    .add = Add,
    .silu_mul = SiluMul,
    .attend = Attend,
    .to_half = ToHalf,
};

}  // namespace kinglet
