// SPDX-License-Identifier: Apache-2.0
// Products with quantised weights, for any instruction set: 16 rows of a K block are expanded into
// bytes that lie as the dot instruction wants them, then every column passes over them. Included by
// an ISA file inside its namespace, after its primitives (F, I, LoadF, ...).

constexpr int kBlockValues = 256;  // K values that are expanded at a time: 4 KiB of codes
constexpr int kBlockSpans = kBlockValues / kSpan;
constexpr int kSpanQuads = kSpan / 4;

// 16 rows of a K block. Quad q of row r is bytes 4r..4r+3 of codes[q]; weight = scale * code -
// minimum.
struct Panel {
  alignas(64) std::uint8_t codes[kBlockValues / 4][64];
  alignas(64) float scales[2 * kBlockSpans][kPanelRows];  // a span, or each half of a span
  alignas(64) float minima[2 * kBlockSpans][kPanelRows];
};

inline void StoreScales(Panel& panel, int index, F scale, F minimum) {
  StoreF(panel.scales[index], scale);
  StoreF(panel.minima[index], minimum);
}

// 4 bytes of each of 16 rows.
inline I LoadDwords(const std::uint8_t* rows, std::ptrdiff_t stride) {
  std::int32_t words[16];
  for (int r = 0; r < 16; ++r) __builtin_memcpy(&words[r], rows + r * stride, 4);
  return LoadI(words);
}

// Four bits of each lane, from bit 4 * index, -> one bit a byte at value 16: the fifth bits of a
// quad.
inline I SpreadFifthBits(I bits, int index) {
  const I nibble = AndI(ShiftRight(bits, 4 * index), SetI(15));
  return ShiftLeft(AndI(MulI(nibble, SetI(0x00204081)), SetI(0x01010101)), 4);
}

// 16 bytes of nibbles: low halves are quads 0..3, high halves 4..7.
inline void ExpandNibbles(const std::uint8_t* rows, std::ptrdiff_t stride, I codes[8]) {
  const I mask = SetI(0x0f0f0f0f);
  I packed[4];
  TransposeQuads(rows, stride, packed);
  for (int q = 0; q < 4; ++q) {
    codes[q] = AndI(packed[q], mask);
    codes[q + 4] = AndI(ShiftRight(packed[q], 4), mask);
  }
}

// ---- types of 32: Expand(rows at the block, stride, span of the panel) ----

struct TypeQ4_0 {
  static constexpr int kHalves = 1;  // scales a span
  static constexpr bool kSmallCodes = true;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int spans, Panel& panel) {
    for (int s = 0; s < spans; ++s, rows += sizeof(BlockQ4_0)) {
      const F scale = LowHalfToF(LoadDwords(rows, stride));
      StoreScales(panel, s, scale, MulF(scale, SetF(8)));
      I codes[8];
      ExpandNibbles(rows + 2, stride, codes);
      for (int q = 0; q < kSpanQuads; ++q) StoreI(panel.codes[s * kSpanQuads + q], codes[q]);
    }
  }
};

struct TypeQ4_1 {
  static constexpr int kHalves = 1;
  static constexpr bool kSmallCodes = true;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int spans, Panel& panel) {
    for (int s = 0; s < spans; ++s, rows += sizeof(BlockQ4_1)) {
      const I header = LoadDwords(rows, stride);
      const F minimum = SubF(SetF(0), LowHalfToF(ShiftRight(header, 16)));
      StoreScales(panel, s, LowHalfToF(header), minimum);
      I codes[8];
      ExpandNibbles(rows + 4, stride, codes);
      for (int q = 0; q < kSpanQuads; ++q) StoreI(panel.codes[s * kSpanQuads + q], codes[q]);
    }
  }
};

struct TypeQ5_0 {
  static constexpr int kHalves = 1;
  static constexpr bool kSmallCodes = true;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int spans, Panel& panel) {
    for (int s = 0; s < spans; ++s, rows += sizeof(BlockQ5_0)) {
      const F scale = LowHalfToF(LoadDwords(rows, stride));
      StoreScales(panel, s, scale, MulF(scale, SetF(16)));
      const I high = LoadDwords(rows + 2, stride);
      I codes[8];
      ExpandNibbles(rows + 6, stride, codes);
      for (int q = 0; q < kSpanQuads; ++q) {
        StoreI(panel.codes[s * kSpanQuads + q], OrI(codes[q], SpreadFifthBits(high, q)));
      }
    }
  }
};

struct TypeQ5_1 {
  static constexpr int kHalves = 1;
  static constexpr bool kSmallCodes = true;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int spans, Panel& panel) {
    for (int s = 0; s < spans; ++s, rows += sizeof(BlockQ5_1)) {
      const I header = LoadDwords(rows, stride);
      const F minimum = SubF(SetF(0), LowHalfToF(ShiftRight(header, 16)));
      StoreScales(panel, s, LowHalfToF(header), minimum);
      const I high = LoadDwords(rows + 4, stride);
      I codes[8];
      ExpandNibbles(rows + 8, stride, codes);
      for (int q = 0; q < kSpanQuads; ++q) {
        StoreI(panel.codes[s * kSpanQuads + q], OrI(codes[q], SpreadFifthBits(high, q)));
      }
    }
  }
};

struct TypeQ8_0 {
  static constexpr int kHalves = 1;
  static constexpr bool kSmallCodes = false;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int spans, Panel& panel) {
    const I bias = SetI(static_cast<int>(0x80808080U));  // signed to unsigned: + 128
    for (int s = 0; s < spans; ++s, rows += sizeof(BlockQ8_0)) {
      const F scale = LowHalfToF(LoadDwords(rows, stride));
      StoreScales(panel, s, scale, MulF(scale, SetF(128)));
      I codes[8];
      TransposeQuads(rows + 2, stride, codes);
      TransposeQuads(rows + 18, stride, codes + 4);
      for (int q = 0; q < kSpanQuads; ++q) {
        StoreI(panel.codes[s * kSpanQuads + q], XorI(codes[q], bias));
      }
    }
  }
};

// ---- types of 256 ----

// The header of Q4_K and Q5_K, 16 bytes: d, dmin, and eight 6-bit scales and minima.
inline void ExpandHeaderK(const std::uint8_t* rows, std::ptrdiff_t stride, Panel& panel) {
  I header[4];
  TransposeQuads(rows, stride, header);
  const F d = LowHalfToF(header[0]);
  const F dmin = LowHalfToF(ShiftRight(header[0], 16));
  for (int i = 0; i < 4; ++i) {
    const I low_scale = AndI(ShiftRight(header[1], 8 * i), SetI(63));
    const I low_minimum = AndI(ShiftRight(header[2], 8 * i), SetI(63));
    StoreScales(panel, i, MulF(d, ToF(low_scale)), MulF(dmin, ToF(low_minimum)));
    const I nibbles = ShiftRight(header[3], 8 * i);
    const I scale_bits = AndI(ShiftRight(header[1], 8 * i + 2), SetI(0x30));
    const I minimum_bits = AndI(ShiftRight(header[2], 8 * i + 2), SetI(0x30));
    const I high_scale = OrI(AndI(nibbles, SetI(15)), scale_bits);
    const I high_minimum = OrI(AndI(ShiftRight(nibbles, 4), SetI(15)), minimum_bits);
    StoreScales(panel, i + 4, MulF(d, ToF(high_scale)), MulF(dmin, ToF(high_minimum)));
  }
}

struct TypeQ4_K {
  static constexpr int kHalves = 1;
  static constexpr bool kSmallCodes = true;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int, Panel& panel) {
    ExpandHeaderK(rows, stride, panel);
    const I mask = SetI(0x0f0f0f0f);
    for (int part = 0; part < 8; ++part) {  // 16 bytes: half of two sub-blocks
      I packed[4];
      TransposeQuads(rows + 16 + part * 16, stride, packed);
      const int quad = (part / 2) * 2 * kSpanQuads + (part % 2) * 4;
      for (int q = 0; q < 4; ++q) {
        StoreI(panel.codes[quad + q], AndI(packed[q], mask));
        StoreI(panel.codes[quad + kSpanQuads + q], AndI(ShiftRight(packed[q], 4), mask));
      }
    }
  }
};

struct TypeQ5_K {
  static constexpr int kHalves = 1;
  static constexpr bool kSmallCodes = true;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int, Panel& panel) {
    ExpandHeaderK(rows, stride, panel);
    const I mask = SetI(0x0f0f0f0f);
    const I bit = SetI(0x10101010);
    for (int half = 0; half < 2; ++half) {
      I high[4];  // bit i of a byte belongs to sub-block i
      TransposeQuads(rows + 16 + half * 16, stride, high);
      for (int pair = 0; pair < 4; ++pair) {
        I packed[4];
        TransposeQuads(rows + 48 + pair * 32 + half * 16, stride, packed);
        const int quad = pair * 2 * kSpanQuads + half * 4;
        for (int q = 0; q < 4; ++q) {
          const I bits = ShiftRight(high[q], 2 * pair);
          const I first = OrI(AndI(packed[q], mask), AndI(ShiftLeft(bits, 4), bit));
          const I second = OrI(AndI(ShiftRight(packed[q], 4), mask), AndI(ShiftLeft(bits, 3), bit));
          StoreI(panel.codes[quad + q], first);
          StoreI(panel.codes[quad + kSpanQuads + q], second);
        }
      }
    }
  }
};

struct TypeQ6_K {
  static constexpr int kHalves = 2;
  static constexpr bool kSmallCodes = true;
  static void Expand(const std::uint8_t* rows, std::ptrdiff_t stride, int, Panel& panel) {
    ExpandScales(rows, stride, panel);
    const I mask = SetI(0x0f0f0f0f);
    const I two_bits = SetI(0x30303030);
    for (int part = 0; part < 4; ++part) {  // half of the 256, half of a span
      const int half = part / 2;
      const int offset = (part % 2) * 16;
      I high[4];
      I low[2][4];
      TransposeQuads(rows + 128 + half * 32 + offset, stride, high);
      TransposeQuads(rows + half * 64 + offset, stride, low[0]);
      TransposeQuads(rows + half * 64 + 32 + offset, stride, low[1]);
      for (int quarter = 0; quarter < 4; ++quarter) {
        const int quad = (half * 4 + quarter) * kSpanQuads + (part % 2) * 4;
        for (int q = 0; q < 4; ++q) {
          const I nibbles = AndI(ShiftRight(low[quarter % 2][q], quarter < 2 ? 0 : 4), mask);
          const I bits = quarter < 2 ? ShiftLeft(high[q], 4 - 2 * quarter)
                                     : ShiftRight(high[q], 2 * quarter - 4);
          StoreI(panel.codes[quad + q], OrI(nibbles, AndI(bits, two_bits)));
        }
      }
    }
  }
  static void ExpandScales(const std::uint8_t* rows, std::ptrdiff_t stride, Panel& panel) {
    const F d = LowHalfToF(ShiftRight(LoadDwords(rows + 206, stride), 16));
    I scales[4];
    TransposeQuads(rows + 192, stride, scales);
    for (int i = 0; i < 16; ++i) {
      const I value = ShiftRightSigned(ShiftLeft(scales[i / 4], 24 - 8 * (i % 4)), 24);
      const F scale = MulF(d, ToF(value));
      StoreScales(panel, i, scale, MulF(scale, SetF(32)));
    }
  }
};

// ---- the product ----

// Adds a K block, from span `first_span` on, to the sums of kColumns columns. sums [column][row].
template <typename Type, int kColumns>
inline void AddBlock(const Panel& panel, int spans, const QuantisedColumns& x, std::ptrdiff_t k,
                     std::ptrdiff_t first_span, std::ptrdiff_t first_column, float* sums) {
  constexpr int kHalves = Type::kHalves;
  constexpr int kQuads = kSpanQuads / kHalves;
  const std::ptrdiff_t row_spans = k / kSpan;
  const std::int8_t* codes = x.codes + first_column * k + first_span * kSpan;
  const float* scales = x.scales + first_column * row_spans + first_span;
  const float* span_sums = kHalves == 1 ? x.sums + first_column * row_spans + first_span
                                        : x.half_sums + 2 * (first_column * row_spans + first_span);
  F total[kColumns];
  for (int c = 0; c < kColumns; ++c) total[c] = LoadF(sums + c * kPanelRows);
  for (int part = 0; part < spans * kHalves; ++part) {
    I products[kColumns];
    for (int c = 0; c < kColumns; ++c) products[c] = SetI(0);
#pragma GCC unroll 8
    for (int q = 0; q < kQuads; ++q) {
      const I weights = LoadI(panel.codes[part * kQuads + q]);
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) {
        std::int32_t quad = 0;
        __builtin_memcpy(&quad, codes + c * k + (part * kQuads + q) * 4, 4);
        products[c] = DotBytes<Type::kSmallCodes>(products[c], weights, SetI(quad));
      }
    }
    const F scale = LoadF(panel.scales[part]);
    const F minimum = LoadF(panel.minima[part]);
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const F both = MulF(scale, SetF(scales[c * row_spans + part / kHalves]));
      total[c] = FnmaF(minimum, SetF(span_sums[c * row_spans * kHalves + part]), total[c]);
      total[c] = FmaF(ToF(products[c]), both, total[c]);
    }
  }
  for (int c = 0; c < kColumns; ++c) StoreF(sums + c * kPanelRows, total[c]);
}

// The columns that are left of a tile, one template for each count.
template <typename Type, int kColumns>
inline void AddBlockRest(int count, const Panel& panel, int spans, const QuantisedColumns& x,
                         std::ptrdiff_t k, std::ptrdiff_t first_span, std::ptrdiff_t first_column,
                         float* sums) {
  if constexpr (kColumns > 0) {
    if (count == kColumns) {
      AddBlock<Type, kColumns>(panel, spans, x, k, first_span, first_column, sums);
    } else {
      AddBlockRest<Type, kColumns - 1>(count, panel, spans, x, k, first_span, first_column, sums);
    }
  }
}

// 16 rows, `stride` bytes apart, times all columns -> sums [column][16]. The bytes of the coming
// panel are asked for early, because 16 short rows are no stream that the hardware would see; into
// the second cache, because such a burst is more than the first has slots for: that halved the
// speed from memory.
template <typename Type>
inline void MultiplyPanel(const MatmulArgs& args, const std::uint8_t* rows, std::ptrdiff_t stride,
                          std::size_t block_bytes, float* sums) {
  const std::ptrdiff_t k = args.weights.columns;
  Panel panel;
  for (int i = 0; i < args.count * kPanelRows; ++i) sums[i] = 0;
  for (std::ptrdiff_t first = 0; first < k; first += kBlockValues) {
    const int spans =
        k - first < kBlockValues ? static_cast<int>((k - first) / kSpan) : kBlockSpans;
    const std::uint8_t* block =
        rows + (first / kBlockValues) * static_cast<std::ptrdiff_t>(block_bytes);
    const std::uint8_t* next = rows + 16 * stride + 16 * (block - rows);
    for (std::size_t b = 0; b < 16 * block_bytes; b += 64) __builtin_prefetch(next + b, 0, 2);
    Type::Expand(block, stride, spans, panel);
    int column = 0;
    for (; column + kTileColumns <= args.count; column += kTileColumns) {
      AddBlock<Type, kTileColumns>(panel, spans, args.quantised, k, first / kSpan, column,
                                   sums + column * kPanelRows);
    }
    AddBlockRest<Type, kTileColumns - 1>(args.count - column, panel, spans, args.quantised, k,
                                         first / kSpan, column, sums + column * kPanelRows);
  }
}

inline void StoreSums(const MatmulArgs& args, int row, int rows, const float* sums) {
  for (int c = 0; c < args.count; ++c) {
    float* out = args.out + static_cast<std::size_t>(c) * args.out_stride + row;
    F value = LoadF(sums + c * kPanelRows);
    if (args.bias != nullptr) value = AddF(value, LoadPartF(args.bias + row, rows));
    StorePartF(out, value, rows);
  }
}

// block_bytes: of 256 values of a row.
template <typename Type>
void MatmulQuantised(const MatmulArgs& args, std::size_t block_bytes) {
  alignas(64) float sums[kMaxColumns * kPanelRows];
  const std::size_t row_bytes = args.weights.row_bytes;
  int row = args.row_begin;
  for (; row + kPanelRows <= args.row_end; row += kPanelRows) {
    const std::uint8_t* rows = args.weights.data + static_cast<std::size_t>(row) * row_bytes;
    MultiplyPanel<Type>(args, rows, static_cast<std::ptrdiff_t>(row_bytes), block_bytes, sums);
    StoreSums(args, row, kPanelRows, sums);
  }
  for (; row < args.row_end; ++row) {  // what is left of a panel: one row in all 16 lanes
    const std::uint8_t* rows = args.weights.data + static_cast<std::size_t>(row) * row_bytes;
    MultiplyPanel<Type>(args, rows, 0, block_bytes, sums);
    StoreSums(args, row, 1, sums);
  }
}

// ---- activations ----

inline void Quantise(const float* x, int k, const QuantisedColumns& out, int column,
                     float* residual) {
  const std::ptrdiff_t spans = k / kSpan;
  std::int8_t* codes = out.codes + column * static_cast<std::ptrdiff_t>(k);
  for (std::ptrdiff_t span = 0; span < spans; ++span) {
    const F first = LoadF(x + span * kSpan);
    const F second = LoadF(x + span * kSpan + 16);
    // Magnitudes compare as integers, and a NaN is greater than all numbers.
    const I magnitude = SetI(0x7fffffff);
    const int bits =
        ReduceMaxI(MaxI(AndI(CastToI(first), magnitude), AndI(CastToI(second), magnitude)));
    float largest = 0;
    __builtin_memcpy(&largest, &bits, sizeof(largest));
    const bool finite = bits < 0x7f800000;
    const bool zero = !finite || largest < kSmallestSpanMaximum;
    const float inverse = zero ? 0 : 127.0F / largest;
    const float scale = !finite ? __builtin_nanf("") : zero ? 0 : largest / 127.0F;
    const I first_codes = zero ? SetI(0) : RoundToI(MulF(first, SetF(inverse)));
    const I second_codes = zero ? SetI(0) : RoundToI(MulF(second, SetF(inverse)));
    StoreBytes(codes + span * kSpan, first_codes);
    StoreBytes(codes + span * kSpan + 16, second_codes);
    if (residual != nullptr) {
      StoreF(residual + span * kSpan, FnmaF(SetF(scale), ToF(first_codes), first));
      StoreF(residual + span * kSpan + 16, FnmaF(SetF(scale), ToF(second_codes), second));
    }
    const int first_sum = ReduceAddI(first_codes);
    const int second_sum = ReduceAddI(second_codes);
    const std::ptrdiff_t at = column * spans + span;
    out.scales[at] = scale;
    out.sums[at] = scale * static_cast<float>(first_sum + second_sum);
    out.half_sums[2 * at] = scale * static_cast<float>(first_sum);
    out.half_sums[2 * at + 1] = scale * static_cast<float>(second_sum);
  }
}
