// SPDX-License-Identifier: Apache-2.0
// Codes are taken by the scale as f16 keeps it, not as it was found.
#include "kernels/round_row.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/half.h"
#include "kernels/quant_blocks.h"
#include "kernels/weight_span.h"

namespace kinglet {
namespace {

constexpr std::uint32_t kInfinity = 0x7f800000;  // bits of f32
constexpr std::size_t kBlock = 32;

// Magnitudes compare as integers, and a NaN is greater than all numbers.
float LargestMagnitude(const float (&values)[kBlock]) {
  std::uint32_t largest = 0;
  for (const float value : values) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & 0x7fffffffU);
  }
  return std::bit_cast<float>(largest);
}

void RoundBlock(const float (&values)[kBlock], BlockQ8_0& out) {
  const std::uint16_t half = FloatToHalf(LargestMagnitude(values) / 127);
  const float scale = HalfToFloat(half);
  const bool is_finite = std::bit_cast<std::uint32_t>(scale) < kInfinity;
  const std::uint16_t stored = is_finite ? half : FloatToHalf(std::nanf(""));
  std::memcpy(out.d, &stored, sizeof(stored));
  const float inverse = is_finite && scale > 0 ? 1 / scale : 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float code = inverse == 0 ? 0 : std::nearbyint(values[i] * inverse);
    out.codes[i] = static_cast<std::int8_t>(std::clamp(code, -127.0F, 127.0F));
  }
}

}  // namespace

void RoundRow(DType dtype, const std::uint8_t* row, std::size_t columns, std::uint8_t* out) {
  auto* block = reinterpret_cast<BlockQ8_0*>(out);
  for (std::size_t first = 0; first < columns; first += kBlock, ++block) {
    float values[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      values[i] = ReadFloat(dtype, row, static_cast<int>(first + i));
    }
    RoundBlock(values, *block);
  }
}

}  // namespace kinglet
