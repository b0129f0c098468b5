// SPDX-License-Identifier: Apache-2.0
// The matrices of a file as the kernels want them: packed into panels (kernels/panels.h).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "tensor/gguf.h"

namespace kinglet {

// Where a tensor lies in the packed bytes. A tensor of three dimensions is matrices one after the
// other, each of whole panels.
struct PackedTensor {
  const Tensor* tensor = nullptr;
  DType dtype = DType::kF32;     // as it is packed
  std::size_t offset = 0;        // a multiple of 64
  std::size_t panel_bytes = 0;   // of 16 rows
  std::size_t matrix_bytes = 0;  // of shape[1] rows, the last panel filled up with zeros
  std::size_t matrix_count = 0;

  std::size_t bytes() const { return matrix_count * matrix_bytes; }
};

// The plan: which tensors are packed, and where to. Pure: the same file gives the same plan.
struct PackedLayout {
  std::vector<PackedTensor> tensors;  // sorted by the address of `tensor`
  std::size_t bytes = 0;
};
// What becomes of matrices of floats: as they are, or Q8_0 where their rows are whole blocks of it.
enum class FloatMatrices { kKept, kRounded };
// Of those of the matrices whose type has panels.
PackedLayout PlanPacking(std::span<const Tensor* const> matrices,
                         FloatMatrices floats = FloatMatrices::kKept);

// A run of whole panels of one tensor: what a thread packs at a time. About kPackedPieceBytes.
struct PackedPiece {
  const PackedTensor* tensor = nullptr;
  std::size_t first_panel = 0;
  std::size_t panel_count = 0;

  std::size_t offset() const { return tensor->offset + first_panel * tensor->panel_bytes; }
  std::size_t bytes() const { return panel_count * tensor->panel_bytes; }
};
inline constexpr std::size_t kPackedPieceBytes = std::size_t{4} << 20;
inline std::size_t PanelsOfPiece(std::size_t panel_bytes) {
  return std::max<std::size_t>(1, kPackedPieceBytes / panel_bytes);
}
// In the order of their offsets. They refer to the layout.
std::vector<PackedPiece> PiecesOf(const PackedLayout& layout);
// Packs into out [piece.bytes()], and gives the pages that it came from back to the system.
void PackPiece(const GgufFile& file, const PackedPiece& piece, std::uint8_t* out);

// Owns the packed bytes, in memory or in a file that is mapped.
class PackedWeights {
 public:
  PackedWeights() = default;
  // kLimitExceeded where memory is not to be had. Between them memory and what is resident of the
  // file hold little more than the file's bytes.
  static Result<PackedWeights> InMemory(const GgufFile& file, PackedLayout layout,
                                        ThreadPool& pool);
  // The bytes of the plan lie in the file from data_offset on, a multiple of 64. All of them are
  // read now, where they are not in memory yet.
  static PackedWeights Mapped(PackedLayout layout, MappedFile file, std::size_t data_offset);

  std::size_t bytes() const { return layout_.bytes; }
  std::span<const std::uint8_t> all() const { return {data_, layout_.bytes}; }
  std::span<const PackedTensor> tensors() const { return layout_.tensors; }
  // Null where the tensor is not packed.
  const PackedTensor* Find(const Tensor& tensor) const;
  const std::uint8_t* data(const PackedTensor& packed) const { return data_ + packed.offset; }

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const;
  };
  PackedLayout layout_;
  std::unique_ptr<std::uint8_t[], Free> memory_;
  MappedFile file_;
  const std::uint8_t* data_ = nullptr;  // in one of the two
};

}  // namespace kinglet
