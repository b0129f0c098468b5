// SPDX-License-Identifier: Apache-2.0
// From the file's rows to panels: for most types a transposition of 4-byte words and the scales
// taken apart. Plain code: packing is bound by memory, and happens once for a file.
#include <cstring>

#include "base/check.h"
#include "kernels/panels.h"
#include "kernels/quant_blocks.h"
#include "kernels/weight_span.h"

namespace kinglet {
namespace {

// The bytes of a panel that belong to one row.
struct RowOfPanel {
  int row;

  // `words` words of 4 bytes, each to the next quad.
  void Quads(const std::uint8_t* from, int words, std::uint8_t (*to)[64]) const {
    for (int i = 0; i < words; ++i) std::memcpy(&to[i][4 * row], from + 4 * i, 4);
  }
  void Half(const std::uint8_t (&from)[2], PanelHalves& to) const {
    std::memcpy(to[row], from, sizeof(from));
  }
};

void Pack(const BlockQ4_0& from, RowOfPanel row, PanelQ4_0& to) {
  row.Quads(from.nibbles, 4, to.nibbles);
  row.Half(from.d, to.d);
}

void Pack(const BlockIQ4_NL& from, RowOfPanel row, PanelQ4_0& to) {
  row.Quads(from.nibbles, 4, to.nibbles);
  row.Half(from.d, to.d);
}

void Pack(const BlockQ4_1& from, RowOfPanel row, PanelQ4_1& to) {
  row.Quads(from.nibbles, 4, to.nibbles);
  row.Half(from.d, to.d);
  row.Half(from.m, to.m);
}

// 32 bits, of value i in bit i -> bit i / 4 of byte i % 4.
void PackFifthBits(const std::uint8_t (&from)[4], RowOfPanel row, std::uint8_t (&to)[64]) {
  for (int i = 0; i < 32; ++i) {
    const int bit = (from[i / 8] >> (i % 8)) & 1;
    std::uint8_t& byte = to[4 * row.row + i % 4];
    byte = static_cast<std::uint8_t>(byte | bit << (i / 4));
  }
}

void Pack(const BlockQ5_0& from, RowOfPanel row, PanelQ5_0& to) {
  row.Quads(from.nibbles, 4, to.nibbles);
  PackFifthBits(from.high, row, to.high);
  row.Half(from.d, to.d);
}

void Pack(const BlockQ5_1& from, RowOfPanel row, PanelQ5_1& to) {
  row.Quads(from.nibbles, 4, to.nibbles);
  PackFifthBits(from.high, row, to.high);
  row.Half(from.d, to.d);
  row.Half(from.m, to.m);
}

void Pack(const BlockQ8_0& from, RowOfPanel row, PanelQ8_0& to) {
  std::uint8_t biased[32];
  for (int i = 0; i < 32; ++i) biased[i] = from.codes[i] ^ 0x80;
  row.Quads(biased, 8, to.codes);
  row.Half(from.d, to.d);
}

void Pack(const BlockMXFP4& from, RowOfPanel row, PanelMXFP4& to) {
  row.Quads(from.nibbles, 4, to.nibbles);
  to.e[row.row] = from.exponent;
}

void PackScalesK(const std::uint8_t (&d)[2], const std::uint8_t (&dmin)[2],
                 const std::uint8_t (&packed)[12], RowOfPanel row, PanelScalesK& to) {
  for (int span = 0; span < 8; ++span) {
    int scale = 0;
    int minimum = 0;
    ReadScaleAndMinimum(packed, span, scale, minimum);
    to.low[span][row.row] = static_cast<std::uint8_t>((scale & 15) | (minimum & 15) << 4);
    const int high = (scale >> 4) | (minimum >> 4) << 2;
    std::uint8_t& byte = to.high[span / 2][row.row];
    byte = static_cast<std::uint8_t>(byte | high << (4 * (span % 2)));
  }
  row.Half(d, to.d);
  row.Half(dmin, to.dmin);
}

void Pack(const BlockQ4_K& from, RowOfPanel row, PanelQ4_K& to) {
  row.Quads(from.nibbles, 32, to.nibbles[0]);
  PackScalesK(from.d, from.dmin, from.scales, row, to.scales);
}

void Pack(const BlockQ5_K& from, RowOfPanel row, PanelQ5_K& to) {
  row.Quads(from.nibbles, 32, to.nibbles[0]);
  row.Quads(from.high, 8, to.high);
  PackScalesK(from.d, from.dmin, from.scales, row, to.scales);
}

void Pack(const BlockQ6_K& from, RowOfPanel row, PanelQ6_K& to) {
  row.Quads(from.low, 32, to.low[0][0]);
  row.Quads(from.high, 16, to.high[0]);
  for (int i = 0; i < 16; ++i) to.scales[i][row.row] = from.scales[i];
  row.Half(from.d, to.d);
}

void Pack(const BlockQ2_K& from, RowOfPanel row, PanelQ2_K& to) {
  row.Quads(from.codes, 16, to.codes[0]);
  for (int i = 0; i < 16; ++i) to.scales[i][row.row] = from.scales[i];
  row.Half(from.d, to.d);
  row.Half(from.dmin, to.dmin);
}

void Pack(const BlockQ3_K& from, RowOfPanel row, PanelQ3_K& to) {
  row.Quads(from.codes, 16, to.low[0]);
  row.Quads(from.high, 8, to.high);
  for (int i = 0; i < 16; ++i) {
    to.scales[i][row.row] = static_cast<std::int8_t>(ReadScale(from, i));
  }
  row.Half(from.d, to.d);
}

void Pack(const BlockIQ4_XS& from, RowOfPanel row, PanelIQ4_XS& to) {
  for (int span = 0; span < 8; ++span) {
    row.Quads(from.nibbles + 16 * span, 4, to.nibbles[span]);
    to.scales[span][row.row] = static_cast<std::int8_t>(ReadScale(from, span));
  }
  row.Half(from.d, to.d);
}

template <typename Block, typename Panel>
void PackBlocks(const std::uint8_t* rows, std::size_t row_bytes, int row_count,
                std::size_t block_count, std::uint8_t* panel) {
  for (std::size_t b = 0; b < block_count; ++b) {
    Panel packed = {};
    for (int r = 0; r < row_count; ++r) {
      Block block;
      std::memcpy(&block, rows + static_cast<std::size_t>(r) * row_bytes + b * sizeof(Block),
                  sizeof(block));
      Pack(block, RowOfPanel{r}, packed);
    }
    std::memcpy(panel + b * sizeof(Panel), &packed, sizeof(packed));
  }
}

void PackFloats(const std::uint8_t* rows, std::size_t row_bytes, int row_count, std::size_t columns,
                std::size_t value_bytes, std::uint8_t* panel) {
  std::memset(panel, 0, columns * kPanelRows * value_bytes);
  for (std::size_t i = 0; i < columns; ++i) {
    for (int r = 0; r < row_count; ++r) {
      const auto row = static_cast<std::size_t>(r);
      std::memcpy(panel + (i * kPanelRows + row) * value_bytes,
                  rows + row * row_bytes + i * value_bytes, value_bytes);
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
    PackFloats(rows, row_bytes, row_count, columns, Info(dtype).block_bytes, panel);
    return;
  }
  const PanelType* type = FindPanelType(dtype);
  KINGLET_CHECK(type != nullptr, "{} has no panels", Info(dtype).name);
  type->pack(rows, row_bytes, row_count, columns / Info(dtype).block_values, panel);
}

}  // namespace kinglet
