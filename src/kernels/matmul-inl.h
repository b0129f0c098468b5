// SPDX-License-Identifier: Apache-2.0
// Matrix products over panels of 16 rows, for any instruction set.
//
// One arithmetic in every shape: of each span (or half, where a type has two scales) the products
// of codes are summed as integers; then, span by span in the order of K,
//   sum = sum - minimum * (sum of the activations);  sum = sum + products * (scale * activation's)
// with fused multiply-adds. Few columns take the codes straight from memory into registers. Many
// columns expand a block of two panels into bytes once, and pass over it in tiles of 32 rows by 6.
// Included by an ISA file inside its namespace, after tile-inl.h and expanded-inl.h.

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

template <typename Type, int kColumns>
inline void MatmulDirect(const MatmulArgs& args) {
  for (int row = args.row_begin; row < args.row_end; row += kPanelRows) {
    F total[kColumns];
    MultiplyDirect<Type, kColumns>(PanelAt(args, row), args.quantised, args.weights.columns, 0,
                                   total);
    for (int c = 0; c < kColumns; ++c) StoreRows(args, row, c, total[c]);
  }
}

template <typename Type, int kColumns = kDirectColumns>
void MatmulQuantised(const MatmulArgs& args) {
  if constexpr (kColumns > 0) {
    if (args.count == kColumns) return MatmulDirect<Type, kColumns>(args);
    if (args.count < kColumns) return MatmulQuantised<Type, kColumns - 1>(args);
  }
  MatmulTiled<Type>(args);
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
  WithPanelType(args.weights.dtype, [&](auto type) { MatmulQuantised<decltype(type)>(args); });
}
