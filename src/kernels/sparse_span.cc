// SPDX-License-Identifier: Apache-2.0
// The types of about one to three bits: grids of points and ternary codes.
#include "kernels/sparse_span.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "kernels/half.h"
#include "kernels/iq_grids.h"
#include "kernels/quant_blocks.h"

namespace kinglet {
namespace {

constexpr int kSpansOfBlock = 8;

std::uint16_t Load16(const std::uint8_t* bytes) {
  return static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8));
}
std::uint32_t Load32(const std::uint8_t* bytes) {
  return Load16(bytes) | (std::uint32_t{Load16(bytes + 2)} << 16);
}
float LoadHalf(const std::uint8_t* bytes) { return HalfToFloat(Load16(bytes)); }

void SetScale(float scale, WeightSpan& out) { out.scale[0] = out.scale[1] = scale; }

// Seven sign bits and the eighth that makes their number even.
unsigned WithEighth(unsigned signs) {
  signs &= 127;
  return signs | (static_cast<unsigned>(std::popcount(signs) & 1) << 7);
}

// A point's magnitudes become the codes from `at` on; bit i of `signs` makes the i-th negative.
template <int kWidth>
void SetPoint(const std::int8_t (&point)[kWidth], unsigned signs, int at, WeightSpan& out) {
  for (int i = 0; i < kWidth; ++i) {
    out.codes[at + i] = ((signs >> i) & 1) != 0 ? -point[i] : point[i];
  }
}

// Each half's scale of four bits, in a byte.
void SetHalfScalesIQ2(float d, int packed, WeightSpan& out) {
  out.scale[0] = d * (0.5F + static_cast<float>(packed & 15)) * 0.25F;
  out.scale[1] = d * (0.5F + static_cast<float>(packed >> 4)) * 0.25F;
}

void ReadBlock(const BlockIQ2_XXS& b, int span, WeightSpan& out) {
  const std::uint8_t* points = b.words + 8 * span;
  const std::uint32_t word = Load32(points + 4);
  for (int p = 0; p < 4; ++p) {
    SetPoint(kGridIQ2_XXS.points[points[p]], WithEighth(word >> (7 * p)), 8 * p, out);
  }
  SetScale(LoadHalf(b.d) * (0.5F + static_cast<float>(word >> 28)) * 0.25F, out);
}

void ReadBlock(const BlockIQ2_XS& b, int span, WeightSpan& out) {
  for (int p = 0; p < 4; ++p) {
    const unsigned packed = Load16(b.points + 2 * (4 * span + p));
    SetPoint(kGridIQ2_XS.points[packed & 511], WithEighth(packed >> 9), 8 * p, out);
  }
  SetHalfScalesIQ2(LoadHalf(b.d), b.scales[span], out);
}

void ReadBlock(const BlockIQ2_S& b, int span, WeightSpan& out) {
  for (int p = 0; p < 4; ++p) {
    const int high = (b.high[span] >> (2 * p)) & 3;
    const int point = b.points[4 * span + p] | (high << 8);
    SetPoint(kGridIQ2_S.points[point], b.signs[4 * span + p], 8 * p, out);
  }
  SetHalfScalesIQ2(LoadHalf(b.d), b.scales[span], out);
}

void ReadBlock(const BlockIQ3_XXS& b, int span, WeightSpan& out) {
  const std::uint32_t word = Load32(b.words + 4 * span);
  for (int p = 0; p < 8; ++p) {
    const unsigned signs = WithEighth(word >> (7 * (p / 2))) >> (4 * (p % 2));
    SetPoint(kGridIQ3_XXS.points[b.points[8 * span + p]], signs, 4 * p, out);
  }
  SetScale(LoadHalf(b.d) * (0.5F + static_cast<float>(word >> 28)) * 0.5F, out);
}

void ReadBlock(const BlockIQ3_S& b, int span, WeightSpan& out) {
  for (int p = 0; p < 8; ++p) {
    const int point = b.points[8 * span + p] | (((b.high[span] >> p) & 1) << 8);
    const unsigned signs = b.signs[4 * span + p / 2] >> (4 * (p % 2));
    SetPoint(kGridIQ3_S.points[point], signs, 4 * p, out);
  }
  const int scale = (b.scales[span / 2] >> (4 * (span % 2))) & 15;
  SetScale(LoadHalf(b.d) * static_cast<float>(1 + 2 * scale), out);
}

// Codes are eighths: eight times the point's values, and one more or less.
void SetPointIQ1(int point, bool less, int at, WeightSpan& out) {
  for (int i = 0; i < 8; ++i) {
    out.codes[at + i] = 8 * kGridIQ1.points[point][i] + (less ? -1 : 1);
  }
}

void ReadBlock(const BlockIQ1_S& b, int span, WeightSpan& out) {
  const int high = Load16(b.high + 2 * span);
  for (int p = 0; p < 4; ++p) {
    const int point = b.points[4 * span + p] | (((high >> (3 * p)) & 7) << 8);
    SetPointIQ1(point, (high & 0x8000) != 0, 8 * p, out);
  }
  SetScale(LoadHalf(b.d) * static_cast<float>(2 * ((high >> 12) & 7) + 1) / 8, out);
}

void ReadBlock(const BlockIQ1_M& b, int span, WeightSpan& out) {
  for (int p = 0; p < 4; ++p) {
    const int nibble = b.high[2 * span + p / 2] >> (4 * (p % 2));
    const int point = b.points[4 * span + p] | ((nibble & 7) << 8);
    SetPointIQ1(point, (nibble & 8) != 0, 8 * p, out);
  }
  int d = 0;
  for (int i = 0; i < 4; ++i) d |= (b.scales[2 * i + 1] >> 4) << (4 * i);
  const int scales = Load16(b.scales + 2 * (span / 2)) >> (6 * (span % 2));
  for (int h = 0; h < 2; ++h) {
    const int scale = 2 * ((scales >> (3 * h)) & 7) + 1;
    out.scale[h] = HalfToFloat(static_cast<std::uint16_t>(d)) * static_cast<float>(scale) / 8;
  }
}

// Code n of a byte: a byte is a fraction of 256, whose digits to the base of 3 are the codes.
int TernaryCode(int byte, int n) {
  constexpr int kPowers[] = {1, 3, 9, 27, 81};
  return (byte * kPowers[n] % 256 * 3) >> 8;
}

void ReadBlock(const BlockTQ1_0& b, int span, WeightSpan& out) {
  for (int i = 0; i < kSpan; ++i) {
    const int half = 2 * (span - 5) + i / 16;  // of those after the first five spans
    if (span < 5) {
      out.codes[i] = TernaryCode(b.codes[i], span);
    } else if (half < 5) {
      out.codes[i] = TernaryCode(b.codes[32 + i % 16], half);
    } else {
      out.codes[i] = TernaryCode(b.last[i % 4], i % 16 / 4);
    }
  }
  out.offset = 1;
  SetScale(LoadHalf(b.d), out);
}

void ReadBlock(const BlockTQ2_0& b, int span, WeightSpan& out) {
  for (int i = 0; i < kSpan; ++i) {
    out.codes[i] = (b.codes[(span / 4) * 32 + i] >> (2 * (span % 4))) & 3;
  }
  out.offset = 1;
  SetScale(LoadHalf(b.d), out);
}

template <typename Block>
WeightSpan Read(const std::uint8_t* row, int span) {
  Block block;
  std::memcpy(&block, row + static_cast<std::size_t>(span / kSpansOfBlock) * sizeof(Block),
              sizeof(Block));
  WeightSpan out;
  ReadBlock(block, span % kSpansOfBlock, out);
  return out;
}

}  // namespace

WeightSpan ReadSparseSpan(DType dtype, const std::uint8_t* row, int span) {
  switch (dtype) {
    case DType::kIQ2_XXS:
      return Read<BlockIQ2_XXS>(row, span);
    case DType::kIQ2_XS:
      return Read<BlockIQ2_XS>(row, span);
    case DType::kIQ2_S:
      return Read<BlockIQ2_S>(row, span);
    case DType::kIQ3_XXS:
      return Read<BlockIQ3_XXS>(row, span);
    case DType::kIQ3_S:
      return Read<BlockIQ3_S>(row, span);
    case DType::kIQ1_S:
      return Read<BlockIQ1_S>(row, span);
    case DType::kIQ1_M:
      return Read<BlockIQ1_M>(row, span);
    case DType::kTQ1_0:
      return Read<BlockTQ1_0>(row, span);
    case DType::kTQ2_0:
      return Read<BlockTQ2_0>(row, span);
    default:
      __builtin_trap();  // IsSupported() was not asked
  }
}

}  // namespace kinglet
