// SPDX-License-Identifier: Apache-2.0
// Packing panel by panel: a panel of a tensor is a piece of work of its own.
#include "model/packed_weights.h"

#include <algorithm>
#include <cstdlib>

#include <sys/mman.h>

#include "kernels/panels.h"
#include "kernels/round_row.h"
#include "kernels/weight_span.h"

namespace kinglet {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr DType kRoundedType = DType::kQ8_0;

constexpr std::size_t RoundUp(std::size_t n, std::size_t step) {
  return (n + step - 1) / step * step;
}

std::size_t PanelsOfMatrix(const Tensor& tensor) {
  return (tensor.shape[1] + kPanelRows - 1) / kPanelRows;
}

std::size_t RowBytes(const Tensor& tensor) { return tensor.data.size() / tensor.rows(); }

// The row of the whole tensor that a panel begins with.
std::size_t FirstRow(const Tensor& tensor, std::size_t panel) {
  const std::size_t panels = PanelsOfMatrix(tensor);
  return panel / panels * tensor.shape[1] + panel % panels * kPanelRows;
}

DType DTypeOf(const Tensor& tensor, FloatMatrices floats) {
  const bool rounds = floats == FloatMatrices::kRounded && IsFloat(tensor.dtype) &&
                      tensor.columns() % Info(kRoundedType).block_values == 0;
  return rounds ? kRoundedType : tensor.dtype;
}

void PackRounded(const PackedTensor& packed, const std::uint8_t* rows, int row_count,
                 std::uint8_t* out) {
  const Tensor& tensor = *packed.tensor;
  const DTypeInfo& info = Info(packed.dtype);
  const std::size_t row_bytes = tensor.columns() / info.block_values * info.block_bytes;
  std::vector<std::uint8_t> rounded(static_cast<std::size_t>(row_count) * row_bytes);
  for (int row = 0; row < row_count; ++row) {
    const auto at = static_cast<std::size_t>(row);
    RoundRow(tensor.dtype, rows + at * RowBytes(tensor), tensor.columns(),
             &rounded[at * row_bytes]);
  }
  PackPanel(packed.dtype, rounded.data(), row_bytes, row_count, tensor.columns(), out);
}

void PackPanelOf(const PackedTensor& packed, std::size_t panel, std::uint8_t* out) {
  const Tensor& tensor = *packed.tensor;
  const std::size_t first_row = FirstRow(tensor, panel);
  const std::size_t rows_left = tensor.shape[1] - first_row % tensor.shape[1];
  const auto* rows =
      reinterpret_cast<const std::uint8_t*>(tensor.data.data()) + first_row * RowBytes(tensor);
  const auto row_count = static_cast<int>(std::min<std::size_t>(kPanelRows, rows_left));
  if (packed.dtype == tensor.dtype) {
    PackPanel(tensor.dtype, rows, RowBytes(tensor), row_count, tensor.columns(), out);
  } else {
    PackRounded(packed, rows, row_count, out);
  }
}

}  // namespace

PackedLayout PlanPacking(std::span<const Tensor* const> matrices, FloatMatrices floats) {
  PackedLayout layout;
  for (const Tensor* tensor : matrices) {
    if (!HasPanels(tensor->dtype)) continue;
    PackedTensor packed;
    packed.tensor = tensor;
    packed.dtype = DTypeOf(*tensor, floats);
    packed.offset = layout.bytes;
    packed.panel_bytes = PanelBytes(packed.dtype, tensor->columns());
    packed.matrix_bytes = PanelsOfMatrix(*tensor) * packed.panel_bytes;
    packed.matrix_count = tensor->rows() / tensor->shape[1];
    layout.bytes = RoundUp(packed.offset + packed.matrix_count * packed.matrix_bytes, kAlignment);
    layout.tensors.push_back(packed);
  }
  std::ranges::sort(layout.tensors, {}, &PackedTensor::tensor);
  return layout;
}

std::vector<PackedPiece> PiecesOf(const PackedLayout& layout) {
  std::vector<PackedPiece> pieces;
  for (const PackedTensor& packed : layout.tensors) {
    const std::size_t panels = packed.bytes() / packed.panel_bytes;
    const std::size_t step = PanelsOfPiece(packed.panel_bytes);
    for (std::size_t first = 0; first < panels; first += step) {
      pieces.push_back({&packed, first, std::min(step, panels - first)});
    }
  }
  std::ranges::sort(pieces, {}, &PackedPiece::offset);
  return pieces;
}

void PackPiece(const GgufFile& file, const PackedPiece& piece, std::uint8_t* out) {
  const PackedTensor& packed = *piece.tensor;
  const std::size_t end = piece.first_panel + piece.panel_count;
  for (std::size_t panel = piece.first_panel; panel < end; ++panel) {
    PackPanelOf(packed, panel, out);
    out += packed.panel_bytes;
  }
  const std::size_t row_bytes = RowBytes(*packed.tensor);
  const std::size_t first_byte = FirstRow(*packed.tensor, piece.first_panel) * row_bytes;
  const std::size_t end_byte = FirstRow(*packed.tensor, end) * row_bytes;
  file.GiveBack(packed.tensor->data.subspan(first_byte, end_byte - first_byte));
}

void PackedWeights::Free::operator()(std::uint8_t* memory) const { std::free(memory); }

Result<PackedWeights> PackedWeights::InMemory(const GgufFile& file, PackedLayout layout,
                                              ThreadPool& pool) {
  PackedWeights weights;
  const std::size_t bytes = RoundUp(std::max(layout.bytes, kAlignment), kHugePage);
  weights.memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kHugePage, bytes)));
  if (weights.memory_ == nullptr) {
    return Error(StatusCode::kLimitExceeded, "no memory for {} bytes of packed weights",
                 layout.bytes);
  }
  // As packed_cache.cc says. Only an advice.
  (void)madvise(weights.memory_.get(), bytes, MADV_HUGEPAGE);
  const std::vector<PackedPiece> pieces = PiecesOf(layout);
  pool.ParallelFor(pieces.size(), 1, [&](std::size_t begin, std::size_t, int) {
    PackPiece(file, pieces[begin], weights.memory_.get() + pieces[begin].offset());
  });
  weights.data_ = weights.memory_.get();
  weights.layout_ = std::move(layout);
  return weights;
}

PackedWeights PackedWeights::Mapped(PackedLayout layout, MappedFile file, std::size_t data_offset) {
  file.Populate();
  PackedWeights weights;
  weights.data_ = reinterpret_cast<const std::uint8_t*>(file.bytes().data()) + data_offset;
  weights.file_ = std::move(file);
  weights.layout_ = std::move(layout);
  return weights;
}

const PackedTensor* PackedWeights::Find(const Tensor& tensor) const {
  const auto at = std::ranges::lower_bound(layout_.tensors, &tensor, {}, &PackedTensor::tensor);
  return at != layout_.tensors.end() && at->tensor == &tensor ? &*at : nullptr;
}

}  // namespace kinglet
