// SPDX-License-Identifier: Apache-2.0
// Packing panel by panel: a panel of a tensor is a piece of work of its own.
#include "model/packed_weights.h"

#include <algorithm>
#include <cstdlib>

#include "kernels/panels.h"

namespace kinglet {
namespace {

constexpr std::size_t kAlignment = 64;

constexpr std::size_t RoundUp(std::size_t n, std::size_t step) {
  return (n + step - 1) / step * step;
}

std::size_t PanelsOfMatrix(const Tensor& tensor) {
  return (tensor.shape[1] + kPanelRows - 1) / kPanelRows;
}

void PackPanelOf(const PackedTensor& packed, std::size_t panel, std::uint8_t* out) {
  const Tensor& tensor = *packed.tensor;
  const std::size_t matrix = panel / PanelsOfMatrix(tensor);
  const std::size_t first_row = panel % PanelsOfMatrix(tensor) * kPanelRows;
  const std::size_t row_bytes = tensor.data.size() / tensor.rows();
  const std::size_t row_count = std::min<std::size_t>(kPanelRows, tensor.shape[1] - first_row);
  const auto* rows = reinterpret_cast<const std::uint8_t*>(tensor.data.data()) +
                     (matrix * tensor.shape[1] + first_row) * row_bytes;
  PackPanel(tensor.dtype, rows, row_bytes, static_cast<int>(row_count), tensor.columns(),
            out + packed.offset + panel * packed.panel_bytes);
}

}  // namespace

PackedLayout PlanPacking(std::span<const Tensor* const> matrices) {
  PackedLayout layout;
  for (const Tensor* tensor : matrices) {
    if (!HasPanels(tensor->dtype)) continue;
    PackedTensor packed;
    packed.tensor = tensor;
    packed.offset = layout.bytes;
    packed.panel_bytes = PanelBytes(tensor->dtype, tensor->columns());
    packed.matrix_bytes = PanelsOfMatrix(*tensor) * packed.panel_bytes;
    packed.matrix_count = tensor->rows() / tensor->shape[1];
    layout.bytes = RoundUp(packed.offset + packed.matrix_count * packed.matrix_bytes, kAlignment);
    layout.tensors.push_back(packed);
  }
  std::ranges::sort(layout.tensors, {}, &PackedTensor::tensor);
  return layout;
}

void PackTensors(const PackedLayout& layout, ThreadPool& pool, std::uint8_t* out) {
  for (const PackedTensor& packed : layout.tensors) {
    const std::size_t panels = packed.matrix_count * PanelsOfMatrix(*packed.tensor);
    pool.ParallelFor(panels, 4, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t panel = begin; panel < end; ++panel) PackPanelOf(packed, panel, out);
    });
  }
}

void PackedWeights::Free::operator()(std::uint8_t* memory) const { std::free(memory); }

Result<PackedWeights> PackedWeights::InMemory(PackedLayout layout, ThreadPool& pool) {
  PackedWeights weights;
  weights.memory_.reset(static_cast<std::uint8_t*>(
      std::aligned_alloc(kAlignment, std::max(layout.bytes, kAlignment))));
  if (weights.memory_ == nullptr) {
    return Error(StatusCode::kLimitExceeded, "no memory for {} bytes of packed weights",
                 layout.bytes);
  }
  PackTensors(layout, pool, weights.memory_.get());
  weights.layout_ = std::move(layout);
  return weights;
}

const PackedTensor* PackedWeights::Find(const Tensor& tensor) const {
  const auto at = std::ranges::lower_bound(layout_.tensors, &tensor, {}, &PackedTensor::tensor);
  return at != layout_.tensors.end() && at->tensor == &tensor ? &*at : nullptr;
}

}  // namespace kinglet
