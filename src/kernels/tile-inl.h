// SPDX-License-Identifier: Apache-2.0
// Products with many columns: kTilePanels panels at a time, K in blocks that are expanded into
// bytes once and meet all columns in tiles of kTileColumns. Included by an ISA file inside its
// namespace, after panel_types-inl.h.

constexpr int kBlockValues = 512;  // K values that are expanded at a time: 8 KiB of codes a panel
constexpr int kBlockSpans = kBlockValues / kSpan;

// A K block of one panel. kCodeBytes: of a code.
template <int kCodeBytes>
struct ExpandedPanel {
  alignas(64) std::uint8_t codes[kBlockSpans * kSpanQuads * kCodeBytes][64];
  alignas(64) float scales[2 * kBlockSpans][kPanelRows];  // a span, or each half of a span
  alignas(64) float minima[2 * kBlockSpans][kPanelRows];
};

// The activations of some columns, from one span on.
struct ActivationSpans {
  const std::int8_t* codes;
  std::ptrdiff_t code_stride;  // from a column to the next
  const float* scales;
  const float* sums;  // of a span, or of each half
  std::ptrdiff_t scale_stride, sum_stride;
};

template <int kHalves>
inline ActivationSpans SpansFrom(const QuantisedColumns& x, std::ptrdiff_t k, std::ptrdiff_t column,
                                 std::ptrdiff_t span) {
  const std::ptrdiff_t row_spans = k / kSpan;
  const std::ptrdiff_t at = column * row_spans + span;
  return {x.codes + column * x.stride + span * kSpan,        x.stride,  x.scales + at,
          kHalves == 1 ? x.sums + at : x.half_sums + 2 * at, row_spans, row_spans * kHalves};
}

inline I BroadcastQuad(const std::int8_t* codes) {
  std::int32_t quad = 0;
  __builtin_memcpy(&quad, codes, 4);
  return SetI(quad);
}

template <typename Type, int kCodeBytes>
inline void Expand(const std::uint8_t* panel, int spans, ExpandedPanel<kCodeBytes>& out) {
  for (int first = 0; first < spans; first += Type::kSpans) {
    const auto& block = *reinterpret_cast<const typename Type::Block*>(
        panel + static_cast<std::size_t>(first / Type::kSpans) * sizeof(typename Type::Block));
    const auto head = Type::ReadHead(block);
    for (int begin = 0; begin < Type::kSpans; begin += Type::kUnrolled) {
#pragma GCC unroll 8
      for (int s = begin; s < begin + Type::kUnrolled; ++s) {
        for (int h = 0; h < Type::kHalves; ++h) {
          F scale;
          F minimum;
          Type::ReadScales(block, head, s, h, scale, minimum);
          StoreF(out.scales[(first + s) * Type::kHalves + h], scale);
          StoreF(out.minima[(first + s) * Type::kHalves + h], minimum);
        }
        for (int q = 0; q < kSpanQuads; ++q) {
          TileProducts<Type::kMaxCode>::StoreQuad(
              out.codes[((first + s) * kSpanQuads + q) * kCodeBytes], Type::ReadQuad(block, s, q));
        }
      }
    }
  }
}

// sums [column][kTilePanels][16 rows] += the K block times kColumns columns.
template <int kHalves, typename Products, int kColumns>
inline void AddTile(const ExpandedPanel<Products::kCodeBytes>* panels, int spans,
                    const ActivationSpans& x, float* sums) {
  constexpr int kQuads = kSpanQuads / kHalves * Products::kCodeBytes;  // of 64 bytes
  F total[kTilePanels][kColumns];
  for (int p = 0; p < kTilePanels; ++p) {
    for (int c = 0; c < kColumns; ++c) {
      total[p][c] = LoadF(sums + (c * kTilePanels + p) * kPanelRows);
    }
  }
  for (int part = 0; part < spans * kHalves; ++part) {
    Products products[kTilePanels][kColumns];
#pragma GCC unroll 16
    for (int q = 0; q < kQuads; ++q) {
      I weights[kTilePanels];
      for (int p = 0; p < kTilePanels; ++p) weights[p] = LoadI(panels[p].codes[part * kQuads + q]);
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) {
        const I quad = BroadcastQuad(x.codes + c * x.code_stride + (part * kQuads + q) * 4);
        for (int p = 0; p < kTilePanels; ++p) {
          products[p][c].Add(q, weights[p], quad);
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const F x_scale = SetF(x.scales[c * x.scale_stride + part / kHalves]);
      const F x_sum = SetF(x.sums[c * x.sum_stride + part]);
      for (int p = 0; p < kTilePanels; ++p) {
        total[p][c] = FnmaF(LoadF(panels[p].minima[part]), x_sum, total[p][c]);
        total[p][c] = FmaF(ToF(products[p][c].Total()),
                           MulF(LoadF(panels[p].scales[part]), x_scale), total[p][c]);
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
template <int kHalves, typename Products, int kColumns>
inline void AddTileUpTo(int count, const ExpandedPanel<Products::kCodeBytes>* panels, int spans,
                        const ActivationSpans& x, float* sums) {
  if constexpr (kColumns > 0) {
    if (count >= kColumns) {
      AddTile<kHalves, Products, kColumns>(panels, spans, x, sums);
    } else {
      AddTileUpTo<kHalves, Products, kColumns - 1>(count, panels, spans, x, sums);
    }
  }
}

// sums [count][kTilePanels][16 rows] += the block, from first_span of K on, times `count` columns.
template <int kHalves, typename Products>
inline void AddColumns(const ExpandedPanel<Products::kCodeBytes>* panels, int spans,
                       const QuantisedColumns& x, std::ptrdiff_t k, std::ptrdiff_t first_span,
                       int count, float* sums) {
  for (int column = 0; column < count; column += kTileColumns) {
    ActivationSpans at = SpansFrom<kHalves>(x, k, column, first_span);
    float* const column_sums = sums + column * kTilePanels * kPanelRows;
    const int columns = count - column < kTileColumns ? count - column : kTileColumns;
    if constexpr (Products::kCodeBytes == 1) {
      AddTileUpTo<kHalves, Products, kTileColumns>(columns, panels, spans, at, column_sums);
    } else {
      alignas(64) std::int16_t words[kTileColumns][kBlockValues];
      for (int c = 0; c < columns; ++c) {
        Products::WidenActivations(at.codes + c * at.code_stride, spans * kSpan, words[c]);
      }
      at.codes = reinterpret_cast<const std::int8_t*>(words);
      at.code_stride = sizeof(words[0]);
      AddTileUpTo<kHalves, Products, kTileColumns>(columns, panels, spans, at, column_sums);
    }
  }
}

// sums of 16 rows of one column -> out.
inline void StoreRows(const MatmulArgs& args, int row, std::ptrdiff_t column, F value) {
  const int rows = args.row_end - row < kPanelRows ? args.row_end - row : kPanelRows;
  float* out = args.out + static_cast<std::size_t>(column) * args.out_stride + row;
  if (rows == kPanelRows) {
    if (args.bias != nullptr) value = AddF(value, LoadF(args.bias + row));
    if (args.accumulate) value = AddF(LoadF(out), value);
    StoreF(out, value);
    return;
  }
  if (args.bias != nullptr) value = AddF(value, LoadPartF(args.bias + row, rows));
  if (args.accumulate) value = AddF(LoadPartF(out, rows), value);
  StorePartF(out, value, rows);
}

inline const std::uint8_t* PanelAt(const MatmulArgs& args, int row) {
  return args.weights.data + static_cast<std::size_t>(row / kPanelRows) * args.weights.stride;
}

// Rows of a tile times all columns.
template <typename Type>
inline void MultiplyTiled(const MatmulArgs& args, int row, int panel_count) {
  const std::ptrdiff_t k = args.weights.columns;
  using Products = TileProducts<Type::kMaxCode>;
  ExpandedPanel<Products::kCodeBytes> panels[kTilePanels];
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
    AddColumns<Type::kHalves, Products>(panels, spans, args.quantised, k, first / kSpan, args.count,
                                        sums);
  }
  for (int c = 0; c < args.count; ++c) {
    for (int p = 0; p < panel_count; ++p) {
      StoreRows(args, row + p * kPanelRows, c, LoadF(sums + (c * kTilePanels + p) * kPanelRows));
    }
  }
}

template <typename Type>
inline void MatmulTiled(const MatmulArgs& args) {
  for (int row = args.row_begin; row < args.row_end; row += kTilePanels * kPanelRows) {
    const int panels = (args.row_end - row + kPanelRows - 1) / kPanelRows;
    MultiplyTiled<Type>(args, row, panels < kTilePanels ? panels : kTilePanels);
  }
}
