// SPDX-License-Identifier: Apache-2.0
// What the bytes of quantised blocks mean: a function for each type, here or in sparse_span.cc.
#include "kernels/weight_span.h"

#include <cstddef>
#include <cstring>

#include "kernels/half.h"
#include "kernels/quant_blocks.h"
#include "kernels/scalar.h"
#include "kernels/sparse_span.h"

namespace kinglet {
namespace {

std::uint16_t Load16(const std::uint8_t* bytes) {
  return static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8));
}
float LoadHalf(const std::uint8_t* bytes) { return HalfToFloat(Load16(bytes)); }

void SetScale(float scale, WeightSpan& out) { out.scale[0] = out.scale[1] = scale; }
void SetMinimum(float minimum, WeightSpan& out) { out.minimum[0] = out.minimum[1] = minimum; }

void ReadNibbles(const std::uint8_t* nibbles, WeightSpan& out) {
  for (int i = 0; i < 16; ++i) {
    out.codes[i] = nibbles[i] & 15;
    out.codes[i + 16] = nibbles[i] >> 4;
  }
}

void ReadFifthBits(const std::uint8_t* high, WeightSpan& out) {
  for (int i = 0; i < kSpan; ++i) out.codes[i] |= ((high[i / 8] >> (i % 8)) & 1) << 4;
}

void LookUp(const std::int8_t* table, WeightSpan& out) {
  for (int& code : out.codes) code = table[code];
}

// ---- blocks of 32 ----

void ReadBlock(const BlockQ4_0& b, int, WeightSpan& out) {
  ReadNibbles(b.nibbles, out);
  out.offset = 8;
  SetScale(LoadHalf(b.d), out);
}

void ReadBlock(const BlockQ4_1& b, int, WeightSpan& out) {
  ReadNibbles(b.nibbles, out);
  SetScale(LoadHalf(b.d), out);
  SetMinimum(-LoadHalf(b.m), out);
}

void ReadBlock(const BlockQ5_0& b, int, WeightSpan& out) {
  ReadNibbles(b.nibbles, out);
  ReadFifthBits(b.high, out);
  out.offset = 16;
  SetScale(LoadHalf(b.d), out);
}

void ReadBlock(const BlockQ5_1& b, int, WeightSpan& out) {
  ReadNibbles(b.nibbles, out);
  ReadFifthBits(b.high, out);
  SetScale(LoadHalf(b.d), out);
  SetMinimum(-LoadHalf(b.m), out);
}

void ReadBlock(const BlockQ8_0& b, int, WeightSpan& out) {
  for (int i = 0; i < kSpan; ++i) out.codes[i] = static_cast<std::int8_t>(b.codes[i]);
  SetScale(LoadHalf(b.d), out);
}

void ReadBlock(const BlockIQ4_NL& b, int, WeightSpan& out) {
  ReadNibbles(b.nibbles, out);
  LookUp(kTableIQ4, out);
  SetScale(LoadHalf(b.d), out);
}

void ReadBlock(const BlockMXFP4& b, int, WeightSpan& out) {
  ReadNibbles(b.nibbles, out);
  LookUp(kTableMXFP4, out);
  // 2^(exponent - 128): an f32 has room for it from 2 on, below that it is not normal.
  const std::uint32_t bits = b.exponent < 2 ? std::uint32_t{1} << (21 + b.exponent)
                                            : (std::uint32_t{b.exponent} - 1) << 23;
  float scale = 0;
  std::memcpy(&scale, &bits, sizeof(scale));
  SetScale(scale, out);
}

// ---- spans of blocks of 256 ----

void ReadHeaderK(const std::uint8_t* d, const std::uint8_t* dmin, const std::uint8_t* packed,
                 int span, WeightSpan& out) {
  int scale = 0;
  int minimum = 0;
  ReadScaleAndMinimum(packed, span, scale, minimum);
  SetScale(LoadHalf(d) * static_cast<float>(scale), out);
  SetMinimum(LoadHalf(dmin) * static_cast<float>(minimum), out);
}

void ReadNibblesK(const std::uint8_t* nibbles, int span, WeightSpan& out) {
  const std::uint8_t* bytes = nibbles + (span / 2) * 32;
  for (int i = 0; i < kSpan; ++i) {
    out.codes[i] = span % 2 == 0 ? bytes[i] & 15 : bytes[i] >> 4;
  }
}

// Two bits a weight: 32 bytes for four spans.
void ReadTwoBits(const std::uint8_t* codes, int span, WeightSpan& out) {
  const std::uint8_t* bytes = codes + (span / 4) * 32;
  for (int i = 0; i < kSpan; ++i) out.codes[i] = (bytes[i] >> (2 * (span % 4))) & 3;
}

void ReadBlock(const BlockQ2_K& b, int span, WeightSpan& out) {
  ReadTwoBits(b.codes, span, out);
  for (int h = 0; h < 2; ++h) {
    const int packed = b.scales[2 * span + h];
    out.scale[h] = LoadHalf(b.d) * static_cast<float>(packed & 15);
    out.minimum[h] = LoadHalf(b.dmin) * static_cast<float>(packed >> 4);
  }
}

void ReadBlock(const BlockQ3_K& b, int span, WeightSpan& out) {
  ReadTwoBits(b.codes, span, out);
  for (int i = 0; i < kSpan; ++i) out.codes[i] |= ((b.high[i] >> span) & 1) << 2;
  out.offset = 4;
  for (int h = 0; h < 2; ++h) {
    out.scale[h] = LoadHalf(b.d) * static_cast<float>(ReadScale(b, 2 * span + h));
  }
}

void ReadBlock(const BlockQ4_K& b, int span, WeightSpan& out) {
  ReadHeaderK(b.d, b.dmin, b.scales, span, out);
  ReadNibblesK(b.nibbles, span, out);
}

void ReadBlock(const BlockQ5_K& b, int span, WeightSpan& out) {
  ReadHeaderK(b.d, b.dmin, b.scales, span, out);
  ReadNibblesK(b.nibbles, span, out);
  for (int i = 0; i < kSpan; ++i) out.codes[i] |= ((b.high[i] >> span) & 1) << 4;
}

void ReadBlock(const BlockQ6_K& b, int span, WeightSpan& out) {
  const int half = span / 4;
  const int quarter = span % 4;
  const std::uint8_t* low = b.low + half * 64 + (quarter % 2) * 32;
  const std::uint8_t* high = b.high + half * 32;
  for (int i = 0; i < kSpan; ++i) {
    const int nibble = quarter < 2 ? low[i] & 15 : low[i] >> 4;
    out.codes[i] = nibble | (((high[i] >> (2 * quarter)) & 3) << 4);
  }
  out.offset = 32;
  for (int h = 0; h < 2; ++h) {
    out.scale[h] = LoadHalf(b.d) * static_cast<float>(b.scales[2 * span + h]);
  }
}

void ReadBlock(const BlockIQ4_XS& b, int span, WeightSpan& out) {
  ReadNibbles(b.nibbles + 16 * span, out);
  LookUp(kTableIQ4, out);
  SetScale(LoadHalf(b.d) * static_cast<float>(ReadScale(b, span)), out);
}

template <typename Block, int kSpansOfBlock>
WeightSpan Read(const std::uint8_t* row, int span) {
  Block block;
  std::memcpy(&block, row + static_cast<std::size_t>(span / kSpansOfBlock) * sizeof(Block),
              sizeof(Block));
  WeightSpan out;
  ReadBlock(block, span % kSpansOfBlock, out);
  return out;
}

}  // namespace

// The first four lie in the low six bits of bytes 0..7,
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

int ReadScale(const BlockQ3_K& block, int i) {
  const int low = i < 8 ? block.scales[i] & 15 : block.scales[i - 8] >> 4;
  const int high = (block.scales[8 + i % 4] >> (2 * (i / 4))) & 3;
  return (low | (high << 4)) - 32;
}

int ReadScale(const BlockIQ4_XS& block, int i) {
  const int low = (block.low_scales[i / 2] >> (4 * (i % 2))) & 15;
  const int high = (Load16(block.high_scales) >> (2 * i)) & 3;
  return (low | (high << 4)) - 32;
}

WeightSpan ReadSpan(DType dtype, const std::uint8_t* row, int span) {
  switch (dtype) {
    case DType::kQ4_0:
      return Read<BlockQ4_0, 1>(row, span);
    case DType::kQ4_1:
      return Read<BlockQ4_1, 1>(row, span);
    case DType::kQ5_0:
      return Read<BlockQ5_0, 1>(row, span);
    case DType::kQ5_1:
      return Read<BlockQ5_1, 1>(row, span);
    case DType::kQ8_0:
      return Read<BlockQ8_0, 1>(row, span);
    case DType::kIQ4_NL:
      return Read<BlockIQ4_NL, 1>(row, span);
    case DType::kMXFP4:
      return Read<BlockMXFP4, 1>(row, span);
    case DType::kQ2_K:
      return Read<BlockQ2_K, 8>(row, span);
    case DType::kQ3_K:
      return Read<BlockQ3_K, 8>(row, span);
    case DType::kQ4_K:
      return Read<BlockQ4_K, 8>(row, span);
    case DType::kQ5_K:
      return Read<BlockQ5_K, 8>(row, span);
    case DType::kQ6_K:
      return Read<BlockQ6_K, 8>(row, span);
    case DType::kIQ4_XS:
      return Read<BlockIQ4_XS, 8>(row, span);
    default:
      return ReadSparseSpan(dtype, row, span);
  }
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

void DequantiseRow(DType dtype, const std::uint8_t* row, int columns, float* out) {
  if (IsFloat(dtype)) {
    for (int i = 0; i < columns; ++i) out[i] = ReadFloat(dtype, row, i);
    return;
  }
  for (int span = 0; span < columns / kSpan; ++span) {
    const WeightSpan w = ReadSpan(dtype, row, span);
    for (int i = 0; i < kSpan; ++i) {
      out[span * kSpan + i] =
          w.scale[i / 16] * static_cast<float>(w.codes[i] - w.offset) - w.minimum[i / 16];
    }
  }
}

}  // namespace kinglet
