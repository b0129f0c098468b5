// SPDX-License-Identifier: Apache-2.0
// Random weights of any type, activations for them, and how close two products must be.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/backend.h"
#include "kernels/half.h"
#include "kernels/scalar.h"

namespace kinglet {

inline std::vector<float> RandomFloats(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// A weight matrix of random bytes: every code and sub-scale occurs. The half-precision scales alone
// are chosen, so that sums stay finite.
struct RandomMatrix {
  RandomMatrix(DType dtype, int rows, int columns, std::mt19937& random) {
    const DTypeInfo& info = Info(dtype);
    const std::size_t blocks = static_cast<std::size_t>(columns) / info.block_values;
    view = {dtype, nullptr, blocks * info.block_bytes, rows, columns, /*packed=*/false};
    bytes.resize(static_cast<std::size_t>(rows) * view.stride);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    for (std::size_t at = 0; at < bytes.size(); at += info.block_bytes) {
      SetScales(dtype, &bytes[at], random);
    }
    view.data = bytes.data();
  }

  static void SetHalf(std::uint8_t* at, std::mt19937& random) {
    const float value = std::uniform_real_distribution<float>(-0.02F, 0.02F)(random);
    const std::uint16_t half = FloatToHalf(value);
    std::memcpy(at, &half, sizeof(half));
  }

  static void SetScales(DType dtype, std::uint8_t* block, std::mt19937& random) {
    switch (dtype) {
      case DType::kF32: {
        const float value = std::normal_distribution<float>()(random);
        std::memcpy(block, &value, sizeof(value));
        break;
      }
      case DType::kF16:
        SetHalf(block, random);
        break;
      case DType::kBF16: {
        const float value = std::normal_distribution<float>()(random);
        std::memcpy(block, reinterpret_cast<const char*>(&value) + 2, 2);
        break;
      }
      case DType::kQ6_K:
        SetHalf(block + 208, random);
        break;
      case DType::kQ3_K:
        SetHalf(block + 108, random);
        break;
      case DType::kTQ1_0:
        SetHalf(block + 52, random);
        break;
      case DType::kTQ2_0:
        SetHalf(block + 64, random);
        break;
      case DType::kIQ1_M:  // the first nibble of four words: 2^-9
        for (int i = 0; i < 4; ++i) block[49 + 2 * i] &= 15;
        block[53] |= 0x80;
        block[55] |= 0x10;
        break;
      case DType::kQ2_K:
        SetHalf(block + 80, random);
        SetHalf(block + 82, random);
        break;
      case DType::kMXFP4:
        *block = static_cast<std::uint8_t>(118 + random() % 8);
        break;
      case DType::kQ4_0:
      case DType::kQ5_0:
      case DType::kQ8_0:
      case DType::kIQ4_NL:
      case DType::kIQ4_XS:
      case DType::kIQ1_S:
      case DType::kIQ2_XXS:
      case DType::kIQ2_XS:
      case DType::kIQ2_S:
      case DType::kIQ3_XXS:
      case DType::kIQ3_S:
        SetHalf(block, random);
        break;
      default:
        SetHalf(block, random);
        SetHalf(block + 2, random);
    }
  }

  MatrixView view;
  std::vector<std::uint8_t> bytes;
};

// The matrix as a table wants it for such activations: packed, or as it is.
struct WeightsFor {
  WeightsFor(const Ops& ops, const MatrixView& from, const QuantisedColumns& quantised)
      : view(from) {
    const bool rounded = quantised.codes != nullptr;
    if (!ops.takes_panels || !HasPanels(from.dtype) || IsQuantised(from.dtype) != rounded) return;
    const std::size_t panel_bytes = PanelBytes(from.dtype, static_cast<std::size_t>(from.columns));
    bytes.resize(static_cast<std::size_t>((from.rows + 15) / 16) * panel_bytes);
    for (int row = 0; row < from.rows; row += kPanelRows) {
      PackPanel(from.dtype, from.data + static_cast<std::size_t>(row) * from.stride, from.stride,
                std::min(kPanelRows, from.rows - row), static_cast<std::size_t>(from.columns),
                &bytes[static_cast<std::size_t>(row / kPanelRows) * panel_bytes]);
    }
    view.data = bytes.data();
    view.stride = panel_bytes;
    view.packed = true;
  }
  MatrixView view;
  std::vector<std::uint8_t> bytes;
};

struct Columns {
  Columns(const Ops& ops, const std::vector<float>& x, int count, int k)
      : codes(static_cast<std::size_t>(count * CodeStride(k))),
        scales(x.size() / 32),
        sums(x.size() / 32),
        half_sums(x.size() / 16) {
    view = {codes.data(), scales.data(), sums.data(), half_sums.data(), CodeStride(k)};
    if (k % kSpan != 0) return;
    for (int c = 0; c < count; ++c) {
      ops.quantise(x.data() + static_cast<std::ptrdiff_t>(c) * k, k, view, c, nullptr);
    }
  }
  std::vector<std::int8_t> codes;
  std::vector<float> scales, sums, half_sums;
  QuantisedColumns view;
};

inline std::vector<float> Multiply(const Ops& ops, const MatrixView& weights,
                                   const QuantisedColumns& quantised, const std::vector<float>& x,
                                   int count, const float* bias) {
  std::vector<float> out(static_cast<std::size_t>(count) * static_cast<std::size_t>(weights.rows),
                         -1.0F);
  const WeightsFor packed(ops, weights, quantised);
  MatmulArgs args;
  args.weights = packed.view;
  args.quantised = quantised;
  args.floats = x.data();
  args.count = count;
  args.bias = bias;
  args.out = out.data();
  args.out_stride = static_cast<std::size_t>(weights.rows);
  args.row_end = weights.rows;
  ops.matmul(args);
  return out;
}

// With activations as the type takes them.
inline std::vector<float> Multiply(const Ops& ops, const MatrixView& weights,
                                   const Columns& columns, const std::vector<float>& x, int count,
                                   const float* bias) {
  return Multiply(ops, weights, IsQuantised(weights.dtype) ? columns.view : QuantisedColumns(), x,
                  count, bias);
}

// What f32 rounding may do to row . column: each span's largest weight stands for its codes, its
// offset and its minimum alike, since either can be that large and cancel.
inline float Tolerance(const MatrixView& weights, int row, const float* x) {
  std::vector<float> values(static_cast<std::size_t>(weights.columns));
  DequantiseRow(weights.dtype, weights.data + static_cast<std::size_t>(row) * weights.stride,
                weights.columns, values.data());
  double norm = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kSpan) {
    float largest = 0;
    double activations = 0;
    for (std::size_t i = begin; i < std::min(begin + kSpan, values.size()); ++i) {
      largest = std::max(largest, std::fabs(values[i]));
      activations += std::fabs(x[i]);
    }
    norm += 4.0 * largest * activations;
  }
  const double additions = weights.columns / 16.0 + 8;
  return static_cast<float>(norm * std::sqrt(additions) * 0x1p-23 + 1e-20);
}

}  // namespace kinglet
