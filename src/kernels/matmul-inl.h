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

// Bytes that are asked for early: the loop's own loads wait for the sums before them, and so do not
// run far enough ahead. Measured from memory with one column of Q4_K, as a share of a plain read:
// 0.70 without, 0.77 with, 0.93 with three panels at once; 4 KiB ahead and more loses again.
constexpr std::ptrdiff_t kPrefetchBytes = 1536;

// kPanels panels, `stride` bytes apart, times kColumns columns, from memory. Several panels are
// several streams, of which the hardware fetches more ahead than of one.
template <typename Type, int kPanels, int kColumns>
inline void MultiplyDirect(const std::uint8_t* panels, std::ptrdiff_t stride,
                           const QuantisedColumns& x, std::ptrdiff_t k, std::ptrdiff_t column,
                           F (&total)[kPanels][kColumns]) {
  using Block = typename Type::Block;
  constexpr int kHalves = Type::kHalves;
  constexpr int kQuads = kSpanQuads / kHalves;
  constexpr int kSpanBytes = static_cast<int>(sizeof(Block)) / Type::kSpans;
  for (int p = 0; p < kPanels; ++p) {
    for (int c = 0; c < kColumns; ++c) total[p][c] = SetF(0);
  }
  ActivationSpans at = SpansFrom<kHalves>(x, k, column, 0);
  const std::uint8_t* const end =
      panels + static_cast<std::size_t>(k / kSpan / Type::kSpans) * sizeof(Block);
  for (; panels < end; panels += sizeof(Block)) {
    decltype(Type::ReadHead(*reinterpret_cast<const Block*>(panels))) heads[kPanels];
    for (int p = 0; p < kPanels; ++p) {
      heads[p] = Type::ReadHead(*reinterpret_cast<const Block*>(panels + p * stride));
    }
    for (int first = 0; first < Type::kSpans; first += Type::kUnrolled) {
#pragma GCC unroll 8
      for (int s = first; s < first + Type::kUnrolled; ++s) {
#pragma GCC unroll 4
        for (int p = 0; p < kPanels; ++p) {
          const Block& block = *reinterpret_cast<const Block*>(panels + p * stride);
          for (int byte = 0; byte < kSpanBytes; byte += 64) {
            __builtin_prefetch(panels + p * stride + s * kSpanBytes + byte + kPrefetchBytes);
          }
#pragma GCC unroll 2
          for (int h = 0; h < kHalves; ++h) {
            F scale;
            F minimum;
            Type::ReadScales(block, heads[p], s, h, scale, minimum);
            QuadProducts<Type::kMaxCode> products[kColumns];
#pragma GCC unroll 8
            for (int q = 0; q < kQuads; ++q) {
              const I codes = Type::ReadQuad(block, s, h * kQuads + q);
#pragma GCC unroll 8
              for (int c = 0; c < kColumns; ++c) {
                products[c].Add(
                    q, codes, BroadcastQuad(at.codes + c * at.code_stride + (h * kQuads + q) * 4));
              }
            }
#pragma GCC unroll 8
            for (int c = 0; c < kColumns; ++c) {
              const F x_scale = SetF(at.scales[c * at.scale_stride]);
              total[p][c] = FnmaF(minimum, SetF(at.sums[c * at.sum_stride + h]), total[p][c]);
              total[p][c] = FmaF(ToF(products[c].Total()), MulF(scale, x_scale), total[p][c]);
            }
          }
        }
        at.codes += kSpan;
        at.scales += 1;
        at.sums += kHalves;
      }
    }
  }
}

// Columns [column, column + kColumns).
template <typename Type, int kPanels, int kColumns>
inline void MultiplyPanels(const MatmulArgs& args, int row, int column) {
  F total[kPanels][kColumns];
  MultiplyDirect<Type, kPanels, kColumns>(PanelAt(args, row),
                                          static_cast<std::ptrdiff_t>(args.weights.stride),
                                          args.quantised, args.weights.columns, column, total);
  for (int p = 0; p < kPanels; ++p) {
    for (int c = 0; c < kColumns; ++c)
      StoreRows(args, row + p * kPanelRows, column + c, total[p][c]);
  }
}

// All columns of kPanels panels, kColumns at a time: what comes after the first of them finds the
// panels in the cache.
template <typename Type, int kPanels, int kColumns>
inline void MultiplyColumns(const MatmulArgs& args, int row, int column) {
  for (; column + kColumns <= args.count; column += kColumns) {
    MultiplyPanels<Type, kPanels, kColumns>(args, row, column);
  }
  if constexpr (kColumns > 1) {
    if (column < args.count) MultiplyColumns<Type, kPanels, kColumns - 1>(args, row, column);
  }
}

template <typename Type>
void MatmulQuantised(const MatmulArgs& args) {
  if (args.count > kDirectColumns) return MatmulTiled<Type>(args);
  const int panels = args.count <= 2 ? kNarrowPanels : kWidePanels;
  int row = args.row_begin;
  for (; row + panels * kPanelRows <= args.row_end; row += panels * kPanelRows) {
    if (args.count <= 2) {
      MultiplyColumns<Type, kNarrowPanels, 2>(args, row, 0);
    } else {
      MultiplyColumns<Type, kWidePanels, 4>(args, row, 0);
    }
  }
  for (; row < args.row_end; row += kPanelRows) MultiplyColumns<Type, 1, 4>(args, row, 0);
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

// kPanels panels at a time; a single column takes several, to have more than one sum in flight.
template <typename Loader, int kPanels>
void MatmulFloats(const MatmulArgs& args) {
  constexpr int kRows = kPanels * kPanelRows;
  int row = args.row_begin;
  for (; row + kRows <= args.row_end; row += kRows) MultiplyFloatPanels<Loader, kPanels>(args, row);
  for (; row < args.row_end; row += kPanelRows) MultiplyFloatPanels<Loader, 1>(args, row);
}

template <typename Loader>
void MatmulFloats(const MatmulArgs& args) {
  if (args.count == 1) return MatmulFloats<Loader, kFloatPanels>(args);
  MatmulFloats<Loader, kTilePanels>(args);
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
