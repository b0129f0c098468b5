// SPDX-License-Identifier: Apache-2.0
// From the file's rows to panels, all 16 rows of a block at once: for most types a transposition of
// 4-byte words, four rows by four words at a time, and the scales taken apart.
#include <algorithm>
#include <concepts>
#include <cstring>

#include "base/check.h"
#include "kernels/panels.h"
#include "kernels/quant_blocks.h"
#include "kernels/weight_span.h"

namespace kinglet {
namespace {

// The same block of each row.
template <typename Block>
struct BlocksOf {
  const Block* rows[kPanelRows];
};

__extension__ using Words = std::uint32_t __attribute__((vector_size(16)));

Words LoadWords(const std::uint8_t* from) {
  Words words;
  std::memcpy(&words, from, sizeof(words));
  return words;
}

// to[i] holds word i of each row, for the kWords words of 4 bytes from byte `first` of the member.
template <int kWords, typename Block, std::size_t kBytes>
void Quads(const BlocksOf<Block>& from, std::uint8_t (Block::*member)[kBytes], std::size_t first,
           std::uint8_t (*to)[64]) {
  static_assert(kWords % 4 == 0 && 4 * kWords <= kBytes);
  for (int row = 0; row < kPanelRows; row += 4) {
    for (int i = 0; i < kWords; i += 4) {
      const std::size_t at = first + 4 * static_cast<std::size_t>(i);
      const Words a = LoadWords(from.rows[row]->*member + at);
      const Words b = LoadWords(from.rows[row + 1]->*member + at);
      const Words c = LoadWords(from.rows[row + 2]->*member + at);
      const Words d = LoadWords(from.rows[row + 3]->*member + at);
      const Words ab01 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      const Words cd01 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
      const Words ab23 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Words cd23 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      const Words columns[4] = {__builtin_shufflevector(ab01, cd01, 0, 1, 4, 5),
                                __builtin_shufflevector(ab01, cd01, 2, 3, 6, 7),
                                __builtin_shufflevector(ab23, cd23, 0, 1, 4, 5),
                                __builtin_shufflevector(ab23, cd23, 2, 3, 6, 7)};
      for (int j = 0; j < 4; ++j) std::memcpy(&to[i + j][4 * row], &columns[j], sizeof(Words));
    }
  }
}

template <int kWords, typename Block, std::size_t kBytes>
void Quads(const BlocksOf<Block>& from, std::uint8_t (Block::*member)[kBytes],
           std::uint8_t (*to)[64]) {
  Quads<kWords>(from, member, 0, to);
}

template <typename Block>
void Halves(const BlocksOf<Block>& from, std::uint8_t (Block::*member)[2], PanelHalves& to) {
  for (int row = 0; row < kPanelRows; ++row) std::memcpy(to[row], from.rows[row]->*member, 2);
}

// to[i] holds byte i of each row.
template <typename Block, typename Byte, std::size_t kBytes>
void Bytes(const BlocksOf<Block>& from, Byte (Block::*member)[kBytes],
           Byte (&to)[kBytes][kPanelRows]) {
  for (int row = 0; row < kPanelRows; ++row) {
    for (std::size_t i = 0; i < kBytes; ++i) to[i][row] = (from.rows[row]->*member)[i];
  }
}

template <typename Block>
  requires std::same_as<Block, BlockQ4_0> || std::same_as<Block, BlockIQ4_NL>
void Pack(const BlocksOf<Block>& from, PanelQ4_0& to) {
  Quads<4>(from, &Block::nibbles, to.nibbles);
  Halves(from, &Block::d, to.d);
}

void Pack(const BlocksOf<BlockQ4_1>& from, PanelQ4_1& to) {
  Quads<4>(from, &BlockQ4_1::nibbles, to.nibbles);
  Halves(from, &BlockQ4_1::d, to.d);
  Halves(from, &BlockQ4_1::m, to.m);
}

// 32 bits, of value i in bit i -> bit i / 4 of byte i % 4.
std::uint32_t SpreadFifthBits(std::uint32_t bits) {
  std::uint32_t spread = 0;
  for (unsigned i = 0; i < 4; ++i) {
    std::uint32_t byte = bits >> i & 0x11111111U;  // each fourth bit, brought together by halving
    byte = (byte | byte >> 3) & 0x03030303U;
    byte = (byte | byte >> 6) & 0x000f000fU;
    byte = (byte | byte >> 12) & 0xffU;
    spread |= byte << (8 * i);
  }
  return spread;
}

template <typename Block>
void FifthBits(const BlocksOf<Block>& from, std::uint8_t (&to)[64]) {
  for (int row = 0; row < kPanelRows; ++row) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, from.rows[row]->high, sizeof(bits));
    bits = SpreadFifthBits(bits);
    std::memcpy(&to[4 * row], &bits, sizeof(bits));
  }
}

void Pack(const BlocksOf<BlockQ5_0>& from, PanelQ5_0& to) {
  Quads<4>(from, &BlockQ5_0::nibbles, to.nibbles);
  FifthBits(from, to.high);
  Halves(from, &BlockQ5_0::d, to.d);
}

void Pack(const BlocksOf<BlockQ5_1>& from, PanelQ5_1& to) {
  Quads<4>(from, &BlockQ5_1::nibbles, to.nibbles);
  FifthBits(from, to.high);
  Halves(from, &BlockQ5_1::d, to.d);
  Halves(from, &BlockQ5_1::m, to.m);
}

void Pack(const BlocksOf<BlockQ8_0>& from, PanelQ8_0& to) {
  Quads<8>(from, &BlockQ8_0::codes, to.codes);
  for (auto& quad : to.codes) {
    for (std::uint8_t& code : quad) code ^= 0x80;
  }
  Halves(from, &BlockQ8_0::d, to.d);
}

void Pack(const BlocksOf<BlockMXFP4>& from, PanelMXFP4& to) {
  Quads<4>(from, &BlockMXFP4::nibbles, to.nibbles);
  for (int row = 0; row < kPanelRows; ++row) to.e[row] = from.rows[row]->exponent;
}

// As ReadScaleAndMinimum has it, for all rows at once.
template <typename Block>
void ScalesK(const BlocksOf<Block>& from, PanelScalesK& to) {
  std::uint8_t packed[12][kPanelRows];
  Bytes(from, &Block::scales, packed);
  std::uint8_t scales[8][kPanelRows];
  std::uint8_t minima[8][kPanelRows];
  for (int i = 0; i < 4; ++i) {
    for (int row = 0; row < kPanelRows; ++row) {
      const unsigned a = packed[i][row];
      const unsigned b = packed[i + 4][row];
      const unsigned c = packed[i + 8][row];
      scales[i][row] = static_cast<std::uint8_t>(a & 63);
      minima[i][row] = static_cast<std::uint8_t>(b & 63);
      scales[i + 4][row] = static_cast<std::uint8_t>((c & 15) | (a >> 6 << 4));
      minima[i + 4][row] = static_cast<std::uint8_t>((c >> 4) | (b >> 6 << 4));
    }
  }
  for (int i = 0; i < 8; ++i) {
    for (int row = 0; row < kPanelRows; ++row) {
      to.low[i][row] =
          static_cast<std::uint8_t>((scales[i][row] & 15) | (minima[i][row] & 15) << 4);
    }
  }
  for (int i = 0; i < 4; ++i) {
    for (int row = 0; row < kPanelRows; ++row) {
      const int first = (scales[i][row] >> 4) | (minima[i][row] >> 4) << 2;
      const int second = (scales[i + 4][row] >> 4) | (minima[i + 4][row] >> 4) << 2;
      to.high[i][row] = static_cast<std::uint8_t>(first | second << 4);
    }
  }
  Halves(from, &Block::d, to.d);
  Halves(from, &Block::dmin, to.dmin);
}

void Pack(const BlocksOf<BlockQ4_K>& from, PanelQ4_K& to) {
  Quads<32>(from, &BlockQ4_K::nibbles, to.nibbles[0]);
  ScalesK(from, to.scales);
}

void Pack(const BlocksOf<BlockQ5_K>& from, PanelQ5_K& to) {
  Quads<32>(from, &BlockQ5_K::nibbles, to.nibbles[0]);
  Quads<8>(from, &BlockQ5_K::high, to.high);
  ScalesK(from, to.scales);
}

void Pack(const BlocksOf<BlockQ6_K>& from, PanelQ6_K& to) {
  Quads<32>(from, &BlockQ6_K::low, to.low[0][0]);
  Quads<16>(from, &BlockQ6_K::high, to.high[0]);
  Bytes(from, &BlockQ6_K::scales, to.scales);
  Halves(from, &BlockQ6_K::d, to.d);
}

void Pack(const BlocksOf<BlockQ2_K>& from, PanelQ2_K& to) {
  Quads<16>(from, &BlockQ2_K::codes, to.codes[0]);
  Bytes(from, &BlockQ2_K::scales, to.scales);
  Halves(from, &BlockQ2_K::d, to.d);
  Halves(from, &BlockQ2_K::dmin, to.dmin);
}

void Pack(const BlocksOf<BlockQ3_K>& from, PanelQ3_K& to) {
  Quads<16>(from, &BlockQ3_K::codes, to.low[0]);
  Quads<8>(from, &BlockQ3_K::high, to.high);
  for (int row = 0; row < kPanelRows; ++row) {
    for (int i = 0; i < 16; ++i) {
      to.scales[i][row] = static_cast<std::int8_t>(ReadScale(*from.rows[row], i));
    }
  }
  Halves(from, &BlockQ3_K::d, to.d);
}

void Pack(const BlocksOf<BlockIQ4_XS>& from, PanelIQ4_XS& to) {
  for (int span = 0; span < 8; ++span) {
    Quads<4>(from, &BlockIQ4_XS::nibbles, 16 * static_cast<std::size_t>(span), to.nibbles[span]);
    for (int row = 0; row < kPanelRows; ++row) {
      to.scales[span][row] = static_cast<std::int8_t>(ReadScale(*from.rows[row], span));
    }
  }
  Halves(from, &BlockIQ4_XS::d, to.d);
}

template <typename Block, typename Panel>
void PackBlocks(const std::uint8_t* rows, std::size_t row_bytes, int row_count,
                std::size_t block_count, std::uint8_t* panel) {
  static_assert(alignof(Block) == 1 && alignof(Panel) == 1);
  static constexpr Block kMissing = {};
  for (std::size_t b = 0; b < block_count; ++b) {
    BlocksOf<Block> blocks;
    for (int r = 0; r < kPanelRows; ++r) {
      const std::uint8_t* row = rows + static_cast<std::size_t>(r) * row_bytes;
      blocks.rows[r] =
          r < row_count ? reinterpret_cast<const Block*>(row + b * sizeof(Block)) : &kMissing;
    }
    Pack(blocks, *reinterpret_cast<Panel*>(panel + b * sizeof(Panel)));
  }
}

template <typename Value>
void PackValues(const std::uint8_t* rows, std::size_t row_bytes, int row_count, std::size_t columns,
                std::uint8_t* panel) {
  std::memset(panel, 0, columns * kPanelRows * sizeof(Value));
  // A few columns at a time, so that the lines of the panel stay in the cache meanwhile.
  constexpr std::size_t kStep = 32;
  for (std::size_t first = 0; first < columns; first += kStep) {
    const std::size_t end = std::min(first + kStep, columns);
    for (int r = 0; r < row_count; ++r) {
      const auto row = static_cast<std::size_t>(r);
      for (std::size_t i = first; i < end; ++i) {
        std::memcpy(panel + (i * kPanelRows + row) * sizeof(Value),
                    rows + row * row_bytes + i * sizeof(Value), sizeof(Value));
      }
    }
  }
}

// A type's panel blocks; null where it is not packed. Values a block as in the file.
struct PanelType {
  DType dtype;
  std::size_t block_bytes;
  void (*pack)(const std::uint8_t* rows, std::size_t row_bytes, int row_count,
               std::size_t block_count, std::uint8_t* panel);
};

template <typename Block, typename Panel>
constexpr PanelType Row(DType dtype) {
  return {dtype, sizeof(Panel), PackBlocks<Block, Panel>};
}

constexpr PanelType kPanelTypes[] = {
    Row<BlockQ4_0, PanelQ4_0>(DType::kQ4_0),     Row<BlockQ4_1, PanelQ4_1>(DType::kQ4_1),
    Row<BlockQ5_0, PanelQ5_0>(DType::kQ5_0),     Row<BlockQ5_1, PanelQ5_1>(DType::kQ5_1),
    Row<BlockQ8_0, PanelQ8_0>(DType::kQ8_0),     Row<BlockQ2_K, PanelQ2_K>(DType::kQ2_K),
    Row<BlockQ3_K, PanelQ3_K>(DType::kQ3_K),     Row<BlockQ4_K, PanelQ4_K>(DType::kQ4_K),
    Row<BlockQ5_K, PanelQ5_K>(DType::kQ5_K),     Row<BlockQ6_K, PanelQ6_K>(DType::kQ6_K),
    Row<BlockIQ4_NL, PanelQ4_0>(DType::kIQ4_NL), Row<BlockIQ4_XS, PanelIQ4_XS>(DType::kIQ4_XS),
    Row<BlockMXFP4, PanelMXFP4>(DType::kMXFP4),
};

const PanelType* FindPanelType(DType dtype) {
  for (const PanelType& type : kPanelTypes) {
    if (type.dtype == dtype) return &type;
  }
  return nullptr;
}

}  // namespace

bool HasPanels(DType dtype) { return IsFloat(dtype) || FindPanelType(dtype) != nullptr; }

std::size_t PanelBytes(DType dtype, std::size_t columns) {
  if (IsFloat(dtype)) return columns * kPanelRows * Info(dtype).block_bytes;
  const PanelType* type = FindPanelType(dtype);
  KINGLET_CHECK(type != nullptr, "{} has no panels", Info(dtype).name);
  return columns / Info(dtype).block_values * type->block_bytes;
}

void PackPanel(DType dtype, const std::uint8_t* rows, std::size_t row_bytes, int row_count,
               std::size_t columns, std::uint8_t* panel) {
  if (IsFloat(dtype)) {
    const auto pack =
        Info(dtype).block_bytes == 4 ? PackValues<std::uint32_t> : PackValues<std::uint16_t>;
    pack(rows, row_bytes, row_count, columns, panel);
    return;
  }
  const PanelType* type = FindPanelType(dtype);
  KINGLET_CHECK(type != nullptr, "{} has no panels", Info(dtype).name);
  type->pack(rows, row_bytes, row_count, columns / Info(dtype).block_values, panel);
}

}  // namespace kinglet
