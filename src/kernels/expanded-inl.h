// SPDX-License-Identifier: Apache-2.0
// Products by expansion, for any instruction set: 16 rows of a K block become f32 and meet f32
// activations. It serves types without a product of their own, and every type where nothing but the
// stored weights may be rounded. Included by an ISA file inside its namespace, after its
// primitives.

constexpr int kExpandedValues = 256;  // K values that are expanded at a time: 16 KiB

// Adds a block of K to the sums of kColumns columns. A lane adds up its row's products in the order
// of K, block by block: a short sum loses less. x: the columns at the block. sums [column][row].
template <int kColumns>
inline void AddExpanded(const float (*weights)[kPanelRows], int values, const float* x,
                        std::ptrdiff_t k, float* sums) {
  F total[kColumns];
  for (int c = 0; c < kColumns; ++c) total[c] = SetF(0);
  for (int i = 0; i < values; ++i) {
    const F w = LoadF(weights[i]);
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) total[c] = FmaF(w, SetF(x[c * k + i]), total[c]);
  }
  for (int c = 0; c < kColumns; ++c) {
    StoreF(sums + c * kPanelRows, AddF(LoadF(sums + c * kPanelRows), total[c]));
  }
}

// Values first .. first + values of `rows` rows -> weights [value][row].
inline void ExpandRows(const MatrixView& matrix, int row, int rows, int first, int values,
                       float (*weights)[kPanelRows]) {
  const std::size_t skipped =
      matrix.stride * static_cast<std::size_t>(first) / static_cast<std::size_t>(matrix.columns);
  float expanded[kExpandedValues];
  for (int r = 0; r < rows; ++r) {
    const std::uint8_t* bytes =
        matrix.data + static_cast<std::size_t>(row + r) * matrix.stride + skipped;
    DequantiseRow(matrix.dtype, bytes, values, expanded);
    for (int i = 0; i < values; ++i) weights[i][r] = expanded[i];
  }
}

inline void MultiplyExpanded(const MatmulArgs& args, int row, int rows, float* sums) {
  const std::ptrdiff_t k = args.weights.columns;
  alignas(64) float weights[kExpandedValues][kPanelRows] = {};
  for (int i = 0; i < args.count * kPanelRows; ++i) sums[i] = 0;
  for (int first = 0; first < args.weights.columns; first += kExpandedValues) {
    const int rest = args.weights.columns - first;
    const int values = rest < kExpandedValues ? rest : kExpandedValues;
    ExpandRows(args.weights, row, rows, first, values, weights);
    const float* x = args.floats + first;
    int c = 0;
    for (; c + kExpandedColumns <= args.count; c += kExpandedColumns) {
      AddExpanded<kExpandedColumns>(weights, values, x + c * k, k, sums + c * kPanelRows);
    }
    for (; c < args.count; ++c) {
      AddExpanded<1>(weights, values, x + c * k, k, sums + c * kPanelRows);
    }
  }
}

void MatmulExpanded(const MatmulArgs& args) {
  alignas(64) float sums[kMaxColumns * kPanelRows];
  for (int row = args.row_begin; row < args.row_end; row += kPanelRows) {
    const int rows = args.row_end - row < kPanelRows ? args.row_end - row : kPanelRows;
    MultiplyExpanded(args, row, rows, sums);
    for (int c = 0; c < args.count; ++c) StoreRows(args, row, c, LoadF(sums + c * kPanelRows));
  }
}
