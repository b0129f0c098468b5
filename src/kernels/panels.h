// SPDX-License-Identifier: Apache-2.0
// Weights as the vector kernels read them: panels of 16 rows, in which the same four values of each
// row lie side by side, so that one 64-byte load meets four activations broadcast to all lanes.
//
// A panel is one sequential stream along K. A quad is 64 bytes: bytes 4r..4r+3 belong to four
// neighbouring values of row r. A type keeps the bits a weight that it has in the file: decoding is
// bound by the bytes that it reads. Blocks lie unaligned where their size asks for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tensor/dtype.h"

namespace kinglet {

inline constexpr int kPanelRows = 16;

// Files of packed weights carry it: a change of any layout below asks for another name.
inline constexpr std::string_view kPanelLayout = "rows16-2";

using PanelHalves = std::uint8_t[kPanelRows][2];  // an f16 a row

// Types of 32, a block a span. Nibbles: quad q in the low halves, quad q + 4 in the high ones.
struct PanelQ4_0 {
  std::uint8_t nibbles[4][64];
  PanelHalves d;
};
struct PanelQ4_1 {
  std::uint8_t nibbles[4][64];
  PanelHalves d, m;
};
// Bit q of byte 4r + j of `high` is the fifth bit of value j of quad q of row r.
struct PanelQ5_0 {
  std::uint8_t nibbles[4][64];
  std::uint8_t high[64];
  PanelHalves d;
};
struct PanelQ5_1 {
  std::uint8_t nibbles[4][64];
  std::uint8_t high[64];
  PanelHalves d, m;
};
struct PanelQ8_0 {
  std::uint8_t codes[8][64];  // code + 128
  PanelHalves d;
};
struct PanelMXFP4 {
  std::uint8_t nibbles[4][64];
  std::uint8_t e[kPanelRows];  // exponents
};

// Types of 256, eight spans of eight quads. Scales come first, as they are read: what is read
// before its turn would have to be waited for. Scales of 6 bits beside their minima: the low four
// bits of both in `low` (scale in the low half), the two high ones in `high` (span i < 4: scale in
// bits 0-1 of high[i], minimum in 2-3; span i + 4: the same from bit 4).
struct PanelScalesK {
  std::uint8_t low[8][kPanelRows];
  std::uint8_t high[4][kPanelRows];
  PanelHalves d, dmin;
};
struct PanelQ4_K {
  PanelScalesK scales;
  std::uint8_t nibbles[4][8][64];  // [p]: span 2p in the low halves, 2p + 1 in the high ones
};
struct PanelQ5_K {
  PanelScalesK scales;
  std::uint8_t high[8][64];  // bit s: the fifth bit in span s
  std::uint8_t nibbles[4][8][64];
};
struct PanelQ6_K {
  PanelHalves d;
  std::int8_t scales[16][kPanelRows];
  std::uint8_t high[2][8][64];    // [h]: bits 2i, 2i + 1 belong to span 4h + i
  std::uint8_t low[2][2][8][64];  // [h][i]: span 4h + i in the low halves, 4h + 2 + i in the high
};
struct PanelQ2_K {
  PanelHalves d, dmin;
  std::uint8_t scales[16][kPanelRows];  // scale in the low half, minimum in the high one
  std::uint8_t codes[2][8][64];         // [h]: bits 2i, 2i + 1 belong to span 4h + i
};
struct PanelQ3_K {
  PanelHalves d;
  std::int8_t scales[16][kPanelRows];
  std::uint8_t high[8][64];    // bit s: the third bit in span s
  std::uint8_t low[2][8][64];  // two low bits, as Q2_K
};
struct PanelIQ4_XS {
  PanelHalves d;
  std::int8_t scales[8][kPanelRows];
  std::uint8_t nibbles[8][4][64];  // [span], as Q4_0; an index into the table of IQ4_NL
};

// Whether matrices of this type are packed. Those that are not are read as they lie in the file.
bool HasPanels(DType dtype);
// Of a panel of `columns` values a row. F32, F16 and BF16: [columns][16].
std::size_t PanelBytes(DType dtype, std::size_t columns);
// Packs 1..16 rows, row_bytes apart; the rows that are missing become zeros.
void PackPanel(DType dtype, const std::uint8_t* rows, std::size_t row_bytes, int row_count,
               std::size_t columns, std::uint8_t* panel);

}  // namespace kinglet
