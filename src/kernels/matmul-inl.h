// SPDX-License-Identifier: Apache-2.0
// Matrix products over panels of 16 rows, for any instruction set.
//
// One arithmetic in every shape: of each span (or half, where a type has two scales) the products
// of codes are summed as integers; then, span by span in the order of K,
//   sum = sum - minimum * (sum of the activations);  sum = sum + products * (scale * activation's)
// with fused multiply-adds. Few columns take the codes straight from memory into registers. Many
// columns expand a block of two panels into bytes once, and pass over it in tiles of 32 rows by 6.
// Included by an ISA file inside its namespace, after its primitives and panel_types-inl.h.

constexpr int kBlockValues = 512;  // K values that are expanded at a time: 8 KiB of codes a panel
constexpr int kBlockSpans = kBlockValues / kSpan;

// A K block of one panel.
struct ExpandedPanel {
  alignas(64) std::uint8_t codes[kBlockSpans * kSpanQuads][64];
  alignas(64) float scales[2 * kBlockSpans][kPanelRows];  // a span, or each half of a span
  alignas(64) float minima[2 * kBlockSpans][kPanelRows];
};

// The activations of some columns, from one span on.
struct ActivationSpans {
  const std::int8_t* codes;
  std::ptrdiff_t code_stride;  // from a column to the next: K
  const float* scales;
  const float* sums;  // of a span, or of each half
  std::ptrdiff_t scale_stride, sum_stride;
};

template <int kHalves>
inline ActivationSpans SpansFrom(const QuantisedColumns& x, std::ptrdiff_t k, std::ptrdiff_t column,
                                 std::ptrdiff_t span) {
  const std::ptrdiff_t row_spans = k / kSpan;
  const std::ptrdiff_t at = column * row_spans + span;
  return {x.codes + column * k + span * kSpan,
          k,
          x.scales + at,
          kHalves == 1 ? x.sums + at : x.half_sums + 2 * at,
          row_spans,
          row_spans * kHalves};
}

inline I BroadcastQuad(const std::int8_t* codes) {
  std::int32_t quad = 0;
  __builtin_memcpy(&quad, codes, 4);
  return SetI(quad);
}

// ---- many columns ----

template <typename Type>
inline void Expand(const std::uint8_t* panel, int spans, ExpandedPanel& out) {
  for (int first = 0; first < spans; first += Type::kSpans) {
    const auto& block = *reinterpret_cast<const typename Type::Block*>(
        panel + static_cast<std::size_t>(first / Type::kSpans) * sizeof(typename Type::Block));
    const auto head = Type::ReadHead(block);
#pragma GCC unroll 8
    for (int s = 0; s < Type::kSpans; ++s) {
      for (int h = 0; h < Type::kHalves; ++h) {
        F scale;
        F minimum;
        Type::ReadScales(block, head, s, h, scale, minimum);
        StoreF(out.scales[(first + s) * Type::kHalves + h], scale);
        StoreF(out.minima[(first + s) * Type::kHalves + h], minimum);
      }
      I codes[kSpanQuads];
      Type::ReadCodes(block, s, codes);
      for (int q = 0; q < kSpanQuads; ++q) {
        StoreI(out.codes[(first + s) * kSpanQuads + q], codes[q]);
      }
    }
  }
}

// sums [column][kTilePanels][16 rows] += the K block times kColumns columns.
template <int kHalves, bool kSmallCodes, int kColumns>
inline void AddTile(const ExpandedPanel* panels, int spans, const ActivationSpans& x, float* sums) {
  constexpr int kQuads = kSpanQuads / kHalves;
  F total[kTilePanels][kColumns];
  for (int p = 0; p < kTilePanels; ++p) {
    for (int c = 0; c < kColumns; ++c) {
      total[p][c] = LoadF(sums + (c * kTilePanels + p) * kPanelRows);
    }
  }
  for (int part = 0; part < spans * kHalves; ++part) {
    I products[kTilePanels][kColumns];
    for (int p = 0; p < kTilePanels; ++p) {
      for (int c = 0; c < kColumns; ++c) products[p][c] = SetI(0);
    }
#pragma GCC unroll 8
    for (int q = 0; q < kQuads; ++q) {
      I weights[kTilePanels];
      for (int p = 0; p < kTilePanels; ++p) weights[p] = LoadI(panels[p].codes[part * kQuads + q]);
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) {
        const I quad = BroadcastQuad(x.codes + c * x.code_stride + (part * kQuads + q) * 4);
        for (int p = 0; p < kTilePanels; ++p) {
          products[p][c] = DotBytes<kSmallCodes>(products[p][c], weights[p], quad);
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const F x_scale = SetF(x.scales[c * x.scale_stride + part / kHalves]);
      const F x_sum = SetF(x.sums[c * x.sum_stride + part]);
      for (int p = 0; p < kTilePanels; ++p) {
        total[p][c] = FnmaF(LoadF(panels[p].minima[part]), x_sum, total[p][c]);
        total[p][c] =
            FmaF(ToF(products[p][c]), MulF(LoadF(panels[p].scales[part]), x_scale), total[p][c]);
      }
    }
  }
  for (int p = 0; p < kTilePanels; ++p) {
    for (int c = 0; c < kColumns; ++c) {
      StoreF(sums + (c * kTilePanels + p) * kPanelRows, total[p][c]);
    }
  }
}

// The columns that are left of a tile, one template for each count.
template <int kHalves, bool kSmallCodes, int kColumns>
inline void AddTileRest(int count, const ExpandedPanel* panels, int spans, const ActivationSpans& x,
                        float* sums) {
  if constexpr (kColumns > 0) {
    if (count == kColumns) {
      AddTile<kHalves, kSmallCodes, kColumns>(panels, spans, x, sums);
    } else {
      AddTileRest<kHalves, kSmallCodes, kColumns - 1>(count, panels, spans, x, sums);
    }
  }
}

// ---- few columns ----

// One panel times kColumns columns, from memory. sums [kColumns][16 rows].
template <typename Type, int kColumns>
inline void MultiplyDirect(const std::uint8_t* panel, const QuantisedColumns& x, std::ptrdiff_t k,
                           std::ptrdiff_t column, F* total) {
  constexpr int kHalves = Type::kHalves;
  constexpr int kQuads = kSpanQuads / kHalves;
  for (int c = 0; c < kColumns; ++c) total[c] = SetF(0);
  ActivationSpans at = SpansFrom<kHalves>(x, k, column, 0);
  const std::uint8_t* const end =
      panel + static_cast<std::size_t>(k / kSpan / Type::kSpans) * sizeof(typename Type::Block);
  for (; panel < end; panel += sizeof(typename Type::Block)) {
    const auto& block = *reinterpret_cast<const typename Type::Block*>(panel);
    const auto head = Type::ReadHead(block);
#pragma GCC unroll 8
    for (int s = 0; s < Type::kSpans; ++s) {
      I codes[kSpanQuads];
      Type::ReadCodes(block, s, codes);
#pragma GCC unroll 2
      for (int h = 0; h < kHalves; ++h) {
        F scale;
        F minimum;
        Type::ReadScales(block, head, s, h, scale, minimum);
#pragma GCC unroll 8
        for (int c = 0; c < kColumns; ++c) {
          const std::int8_t* quads = at.codes + c * at.code_stride + h * kQuads * 4;
          I products = SetI(0);
#pragma GCC unroll 8
          for (int q = 0; q < kQuads; ++q) {
            products = DotBytes<Type::kSmallCodes>(products, codes[h * kQuads + q],
                                                   BroadcastQuad(quads + q * 4));
          }
          const F x_scale = SetF(at.scales[c * at.scale_stride]);
          total[c] = FnmaF(minimum, SetF(at.sums[c * at.sum_stride + h]), total[c]);
          total[c] = FmaF(ToF(products), MulF(scale, x_scale), total[c]);
        }
      }
      at.codes += kSpan;
      at.scales += 1;
      at.sums += kHalves;
    }
  }
}

inline const std::uint8_t* PanelAt(const MatmulArgs& args, int row) {
  return args.weights.data + static_cast<std::size_t>(row / kPanelRows) * args.weights.stride;
}

template <typename Type, int kColumns>
inline void MatmulDirect(const MatmulArgs& args) {
  for (int row = args.row_begin; row < args.row_end; row += kPanelRows) {
    F total[kColumns];
    MultiplyDirect<Type, kColumns>(PanelAt(args, row), args.quantised, args.weights.columns, 0,
                                   total);
    for (int c = 0; c < kColumns; ++c) StoreRows(args, row, c, total[c]);
  }
}

// Rows of a tile times all columns.
template <typename Type>
inline void MultiplyTiled(const MatmulArgs& args, int row, int panel_count) {
  constexpr int kHalves = Type::kHalves;
  constexpr bool kSmallCodes = Type::kSmallCodes;
  const std::ptrdiff_t k = args.weights.columns;
  ExpandedPanel panels[kTilePanels];
  alignas(64) float sums[kMaxColumns * kTilePanels * kPanelRows];
  for (int i = 0; i < args.count * kTilePanels * kPanelRows; ++i) sums[i] = 0;
  for (std::ptrdiff_t first = 0; first < k; first += kBlockValues) {
    const int spans =
        k - first < kBlockValues ? static_cast<int>((k - first) / kSpan) : kBlockSpans;
    const std::size_t offset =
        static_cast<std::size_t>(first / kSpan / Type::kSpans) * sizeof(typename Type::Block);
    for (int p = 0; p < kTilePanels; ++p) {  // a panel that is missing is the last one again
      const int panel = p < panel_count ? p : panel_count - 1;
      Expand<Type>(PanelAt(args, row + panel * kPanelRows) + offset, spans, panels[p]);
    }
    int column = 0;
    for (; column < args.count; column += kTileColumns) {
      const ActivationSpans x = SpansFrom<kHalves>(args.quantised, k, column, first / kSpan);
      float* const at = sums + column * kTilePanels * kPanelRows;
      if (args.count - column >= kTileColumns) {
        AddTile<kHalves, kSmallCodes, kTileColumns>(panels, spans, x, at);
      } else {
        AddTileRest<kHalves, kSmallCodes, kTileColumns - 1>(args.count - column, panels, spans, x,
                                                            at);
      }
    }
  }
  for (int c = 0; c < args.count; ++c) {
    for (int p = 0; p < panel_count; ++p) {
      StoreRows(args, row + p * kPanelRows, c, LoadF(sums + (c * kTilePanels + p) * kPanelRows));
    }
  }
}

template <typename Type, int kColumns = kDirectColumns>
void MatmulQuantised(const MatmulArgs& args) {
  if constexpr (kColumns > 0) {
    if (args.count == kColumns) return MatmulDirect<Type, kColumns>(args);
    if (args.count < kColumns) return MatmulQuantised<Type, kColumns - 1>(args);
  }
  for (int row = args.row_begin; row < args.row_end; row += kTilePanels * kPanelRows) {
    const int panels = (args.row_end - row + kPanelRows - 1) / kPanelRows;
    MultiplyTiled<Type>(args, row, panels < kTilePanels ? panels : kTilePanels);
  }
}

// ---- float weights: [K][16] ----

struct LoadF32 {
  static constexpr int kBytes = 4;
  static F Load(const std::uint8_t* p) { return CastToF(LoadI(p)); }
};
struct LoadF16 {
  static constexpr int kBytes = 2;
  static F Load(const std::uint8_t* p) { return HalfToF(p); }
};
struct LoadBF16 {
  static constexpr int kBytes = 2;
  static F Load(const std::uint8_t* p) { return Bf16ToF(p); }
};

// Panels from `row` on times columns from `column` on; each sum runs through K in order.
template <typename Loader, int kPanels, int kColumns>
inline void MultiplyFloats(const MatmulArgs& args, int row, int column) {
  const std::ptrdiff_t k = args.weights.columns;
  const std::uint8_t* weights = PanelAt(args, row);
  const float* x = args.floats + column * k;
  F sums[kPanels][kColumns];
  for (int p = 0; p < kPanels; ++p) {
    for (int c = 0; c < kColumns; ++c) sums[p][c] = SetF(0);
  }
  for (std::ptrdiff_t i = 0; i < k; ++i) {
    F w[kPanels];
    for (int p = 0; p < kPanels; ++p) {
      w[p] = Loader::Load(weights + static_cast<std::size_t>(p) * args.weights.stride +
                          i * kPanelRows * Loader::kBytes);
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const F activation = SetF(x[c * k + i]);
      for (int p = 0; p < kPanels; ++p) sums[p][c] = FmaF(w[p], activation, sums[p][c]);
    }
  }
  for (int p = 0; p < kPanels; ++p) {
    for (int c = 0; c < kColumns; ++c) {
      StoreRows(args, row + p * kPanelRows, column + c, sums[p][c]);
    }
  }
}

template <typename Loader, int kPanels>
inline void MultiplyFloatPanels(const MatmulArgs& args, int row) {
  int column = 0;
  for (; column + kTileColumns <= args.count; column += kTileColumns) {
    MultiplyFloats<Loader, kPanels, kTileColumns>(args, row, column);
  }
  for (; column + 2 <= args.count; column += 2) {
    MultiplyFloats<Loader, kPanels, 2>(args, row, column);
  }
  if (column < args.count) MultiplyFloats<Loader, kPanels, 1>(args, row, column);
}

// Several panels at once, so that a single column has more than one sum in flight.
template <typename Loader>
void MatmulFloats(const MatmulArgs& args) {
  constexpr int kRows = kTilePanels * kPanelRows;
  int row = args.row_begin;
  for (; row + kRows <= args.row_end; row += kRows) {
    MultiplyFloatPanels<Loader, kTilePanels>(args, row);
  }
  for (; row < args.row_end; row += kPanelRows) MultiplyFloatPanels<Loader, 1>(args, row);
}

void MatmulUnrounded(const MatmulArgs& args) {
  if (!args.weights.packed) return MatmulExpanded(args);
  switch (args.weights.dtype) {
    case DType::kF32:
      return MatmulFloats<LoadF32>(args);
    case DType::kF16:
      return MatmulFloats<LoadF16>(args);
    case DType::kBF16:
      return MatmulFloats<LoadBF16>(args);
    default:
      __builtin_trap();  // a quantised type that is packed takes rounded activations alone
  }
}

void Matmul(const MatmulArgs& args) {
  if (args.quantised.codes == nullptr) return MatmulUnrounded(args);
  switch (args.weights.dtype) {
    case DType::kQ4_0:
      return MatmulQuantised<TypeQ4_0>(args);
    case DType::kQ4_1:
      return MatmulQuantised<TypeQ4_1>(args);
    case DType::kQ5_0:
      return MatmulQuantised<TypeQ5_0>(args);
    case DType::kQ5_1:
      return MatmulQuantised<TypeQ5_1>(args);
    case DType::kQ8_0:
      return MatmulQuantised<TypeQ8_0>(args);
    case DType::kQ2_K:
      return MatmulQuantised<TypeQ2_K>(args);
    case DType::kQ3_K:
      return MatmulQuantised<TypeQ3_K>(args);
    case DType::kQ4_K:
      return MatmulQuantised<TypeQ4_K>(args);
    case DType::kQ5_K:
      return MatmulQuantised<TypeQ5_K>(args);
    case DType::kQ6_K:
      return MatmulQuantised<TypeQ6_K>(args);
    case DType::kIQ4_NL:
      return MatmulQuantised<TypeIQ4_NL>(args);
    case DType::kIQ4_XS:
      return MatmulQuantised<TypeIQ4_XS>(args);
    case DType::kMXFP4:
      return MatmulQuantised<TypeMXFP4>(args);
    default:
      __builtin_trap();  // IsQuantised() was not asked
  }
}
