// SPDX-License-Identifier: Apache-2.0
// The truth: every operation as its formula, in plain loops. Faster tables are tested against it.
#include "kernels/scalar.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/half.h"
#include "kernels/weight_span.h"

namespace kinglet {
namespace {

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
      sum += scales[span] * (w.scale[half] * static_cast<float>(product) -
                             w.minimum[half] * static_cast<float>(total));
    }
  }
  return sum;
}

void Quantise(const float* x, int k, const QuantisedColumns& out, int column, float* residual) {
  const std::ptrdiff_t spans = k / kSpan;
  for (std::ptrdiff_t span = 0; span < spans; ++span) {
    const float* values = x + span * kSpan;
    std::int8_t* codes = out.codes + column * out.stride + span * kSpan;
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

void MultiplyCodes(const MatmulArgs& args, int row, double* sums) {
  const MatrixView& w = args.weights;
  const std::uint8_t* bytes = w.data + static_cast<std::size_t>(row) * w.stride;
  const std::ptrdiff_t k = w.columns;
  for (std::ptrdiff_t c = 0; c < args.count; ++c) {
    sums[c] = DotCodes(w.dtype, bytes, args.quantised.codes + c * args.quantised.stride,
                       args.quantised.scales + c * (k / kSpan), w.columns);
  }
}

void MultiplyFloats(const MatmulArgs& args, int row, double* sums) {
  constexpr int kBlock = 256;  // values that are expanded at a time
  const MatrixView& w = args.weights;
  const std::uint8_t* bytes = w.data + static_cast<std::size_t>(row) * w.stride;
  const auto k = static_cast<std::size_t>(w.columns);
  std::fill(sums, sums + args.count, 0.0);
  float values[kBlock];
  for (std::size_t first = 0; first < k; first += kBlock) {
    const std::size_t count = std::min<std::size_t>(kBlock, k - first);
    DequantiseRow(w.dtype, bytes + first * w.stride / k, static_cast<int>(count), values);
    for (int c = 0; c < args.count; ++c) {
      const float* x = args.floats + static_cast<std::size_t>(c) * k + first;
      for (std::size_t i = 0; i < count; ++i) sums[c] += static_cast<double>(values[i]) * x[i];
    }
  }
}

void Matmul(const MatmulArgs& args) {
  double sums[kMaxColumns];
  for (int r = args.row_begin; r < args.row_end; ++r) {
    const bool codes = args.quantised.codes != nullptr;
    codes ? MultiplyCodes(args, r, sums) : MultiplyFloats(args, r, sums);
    for (int c = 0; c < args.count; ++c) {
      auto sum = static_cast<float>(sums[c]);
      if (args.bias != nullptr) sum += args.bias[r];
      float& out =
          args.out[static_cast<std::size_t>(c) * args.out_stride + static_cast<std::size_t>(r)];
      out = args.accumulate ? out + sum : sum;
    }
  }
}

void RmsNorm(const float* x, const float* weight, int n, float epsilon, float* out) {
  double squares = 0;
  for (int i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
  const double factor = 1 / std::sqrt(squares / n + epsilon);
  for (int i = 0; i < n; ++i) out[i] = static_cast<float>(x[i] * factor) * weight[i];
}

void LayerNorm(const float* x, const float* weight, const float* bias, int n, float epsilon,
               float* out) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / n;
  double squares = 0;
  for (int i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double factor = 1 / std::sqrt(squares / n + epsilon);
  for (int i = 0; i < n; ++i) {
    out[i] = static_cast<float>((x[i] - mean) * factor) * weight[i] + bias[i];
  }
}

void Add(const float* x, int n, float* inout) {
  for (int i = 0; i < n; ++i) inout[i] += x[i];
}

void AddScaled(const float* x, float scale, int n, float* inout) {
  for (int i = 0; i < n; ++i) inout[i] = std::fma(x[i], scale, inout[i]);
}

void SiluMul(const float* up, int n, float* gate) {
  for (int i = 0; i < n; ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
}

void GeluMul(const float* up, int n, float* gate) {
  constexpr double kRootOfTwoOverPi = 0.79788456080286535588;
  for (int i = 0; i < n; ++i) {
    const double g = gate[i];
    const double bent = std::tanh(kRootOfTwoOverPi * (g + 0.044715 * g * g * g));
    gate[i] = static_cast<float>(0.5 * g * (1 + bent)) * up[i];
  }
}

void Gelu(int n, float* inout) {
  for (int i = 0; i < n; ++i) {
    const double x = inout[i];
    inout[i] = static_cast<float>(0.5 * x * std::erfc(-x / std::numbers::sqrt2));
  }
}

void DotCodes(const std::int8_t* query, const std::int8_t* codes, int width, int count,
              std::int32_t* out) {
  for (int i = 0; i < count; ++i, codes += width) {
    out[i] = 0;
    for (int k = 0; k < width; ++k) out[i] += codes[k] * query[k];
  }
}

}  // namespace

const Ops kScalarOps = {
    .name = "scalar",
    .takes_panels = false,
    .quantise = Quantise,
    .matmul = Matmul,
    .dequantise_row = DequantiseRow,
    .rms_norm = RmsNorm,
    .layer_norm = LayerNorm,
    .add = Add,
    .add_scaled = AddScaled,
    .silu_mul = SiluMul,
    .gelu_mul = GeluMul,
    .gelu = Gelu,
    .store_kv = ScalarStoreKv,
    .attend = ScalarAttend,
    .merge_partial = ScalarMergePartial,
    .dot_codes = DotCodes,
};

}  // namespace kinglet
