// SPDX-License-Identifier: Apache-2.0
// The byte layout of quantised blocks, as ggml defines it (ggml-common.h of the ggml project).
// Bytes only: blocks lie unaligned in a file. In all of them a weight is scale * code - minimum
// with an unsigned code (a signed one or a table's value plus 128), which lets one product serve
// every type.
#pragma once

#include <cstdint>

namespace kinglet {

// Types of 32: 16 bytes of nibbles hold weights 0..15 in the low and 16..31 in the high halves.
struct BlockQ4_0 {  // weight = d * (code - 8)
  std::uint8_t d[2];
  std::uint8_t nibbles[16];
};
struct BlockQ4_1 {  // weight = d * code + m
  std::uint8_t d[2], m[2];
  std::uint8_t nibbles[16];
};
struct BlockQ5_0 {  // weight = d * (code - 16); bit i of `high` is the fifth bit of weight i
  std::uint8_t d[2];
  std::uint8_t high[4];
  std::uint8_t nibbles[16];
};
struct BlockQ5_1 {  // weight = d * code + m
  std::uint8_t d[2], m[2];
  std::uint8_t high[4];
  std::uint8_t nibbles[16];
};
struct BlockQ8_0 {  // weight = d * code, codes signed
  std::uint8_t d[2];
  std::uint8_t codes[32];
};
struct BlockIQ4_NL {  // weight = d * kTableIQ4[nibble]
  std::uint8_t d[2];
  std::uint8_t nibbles[16];
};
struct BlockMXFP4 {  // weight = 2^(exponent - 128) * kTableMXFP4[nibble]
  std::uint8_t exponent;
  std::uint8_t nibbles[16];
};

// Types of 256, in 8 sub-blocks of 32: weight = d * scale * code - dmin * minimum. `scales` packs
// eight 6-bit scales and eight 6-bit minima. Each 32 bytes of nibbles hold sub-block 2i in the low
// and 2i + 1 in the high halves.
struct BlockQ4_K {
  std::uint8_t d[2], dmin[2];
  std::uint8_t scales[12];
  std::uint8_t nibbles[128];
};
struct BlockQ5_K {  // bit i of high[j] is the fifth bit of weight j of sub-block i
  std::uint8_t d[2], dmin[2];
  std::uint8_t scales[12];
  std::uint8_t high[32];
  std::uint8_t nibbles[128];
};
// 16 sub-blocks of 16: weight = d * scales[i] * (code - 32). Each half of 128 weights has 64 bytes
// of nibbles and 32 of two high bits: quarter 0 and 1 in the low, 2 and 3 in the high nibbles.
struct BlockQ6_K {
  std::uint8_t low[128];
  std::uint8_t high[64];
  std::int8_t scales[16];
  std::uint8_t d[2];
};
// 16 sub-blocks of 16: weight = d * scale * code - dmin * minimum; scales[i] is the scale (low
// half) and the minimum of sub-block i. Byte j of `codes` half h holds two bits of weight j of
// spans 4h .. 4h + 3, the first lowest.
struct BlockQ2_K {
  std::uint8_t scales[16];
  std::uint8_t codes[64];
  std::uint8_t d[2], dmin[2];
};
// The same with weight = d * (scale - 32) * (code - 4): bit i of high[j] is the third bit of weight
// j of span i. `scales` packs 16 of 6 bits: nibbles of bytes 0..7, two high bits in bytes 8..11.
struct BlockQ3_K {
  std::uint8_t high[32];
  std::uint8_t codes[64];
  std::uint8_t scales[12];
  std::uint8_t d[2];
};
// 8 sub-blocks of 32, nibbles as in IQ4_NL: weight = d * (scale - 32) * kTableIQ4[nibble]. Four low
// bits of scale i in a nibble of `low_scales`, two high ones from bit 2i of `high_scales`.
struct BlockIQ4_XS {
  std::uint8_t d[2];
  std::uint8_t high_scales[2];
  std::uint8_t low_scales[4];
  std::uint8_t nibbles[128];
};

// Types whose codes are points of a grid (iq_grids.h): 8 spans of 32, four points of 8 weights or
// eight of 4 in each. Seven sign bits stand for eight: the last makes their number even.
struct BlockIQ2_XXS {  // a span: four bytes of points, then 32 bits: 4 x 7 signs and a scale of 4
  std::uint8_t d[2];
  std::uint8_t words[64];
};
struct BlockIQ2_XS {  // 16 bits a point, 9 of them its number and 7 its signs; 4-bit scale of 16
  std::uint8_t d[2];
  std::uint8_t points[64];
  std::uint8_t scales[8];
};
struct BlockIQ2_S {  // two high bits of a span's four points in a byte; 8 signs a point
  std::uint8_t d[2];
  std::uint8_t points[32];
  std::uint8_t signs[32];
  std::uint8_t high[8];
  std::uint8_t scales[8];
};
struct BlockIQ3_XXS {  // the 32 bits of a span as in IQ2_XXS, after all points
  std::uint8_t d[2];
  std::uint8_t points[64];
  std::uint8_t words[32];
};
struct BlockIQ3_S {  // the high bits of a span's eight points in a byte; 4-bit scale of 32
  std::uint8_t d[2];
  std::uint8_t points[64];
  std::uint8_t high[8];
  std::uint8_t signs[32];
  std::uint8_t scales[4];
};
// weight = d * (2 * scale + 1) * (value +- 1/8). A span's 16 bits: 4 x 3 high bits of its points, a
// scale of 3 and the sign of the eighth.
struct BlockIQ1_S {
  std::uint8_t d[2];
  std::uint8_t points[32];
  std::uint8_t high[16];
};
// The same with a nibble a point: three high bits and the sign. `scales` are four words of 16 bits:
// 4 x 3 bits of scales of 16 weights, and in the high nibbles the four of d.
struct BlockIQ1_M {
  std::uint8_t points[32];
  std::uint8_t high[16];
  std::uint8_t scales[8];
};

// Ternary types: weight = d * (code - 1). TQ1_0 has five codes a byte: floor(byte * 3^n mod 256 * 3
// / 256). Bytes 0..31 hold spans 0..4, 32..47 the
// five halves of spans that follow, `last` four codes a byte of the sixth.
struct BlockTQ1_0 {
  std::uint8_t codes[48];
  std::uint8_t last[4];
  std::uint8_t d[2];
};
struct BlockTQ2_0 {  // two bits a code, as in Q2_K
  std::uint8_t codes[64];
  std::uint8_t d[2];
};

// What nibbles of IQ4_NL and IQ4_XS mean.
inline constexpr std::int8_t kTableIQ4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                              1,    13,   25,  38,  53,  69,  89,  113};
// Twice the numbers of e2m1 (OCP Microscaling Formats 1.0): whole, so a scale is half as large.
inline constexpr std::int8_t kTableMXFP4[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                0, -1, -2, -3, -4, -6, -8, -12};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 &&
              sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_K) == 144 &&
              sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockQ2_K) == 84 &&
              sizeof(BlockQ3_K) == 110 && sizeof(BlockIQ4_NL) == 18 && sizeof(BlockIQ4_XS) == 136 &&
              sizeof(BlockMXFP4) == 17);

}  // namespace kinglet
