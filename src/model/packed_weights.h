// SPDX-License-Identifier: Apache-2.0
// The matrices of a file as the kernels want them: packed into panels (kernels/panels.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "tensor/gguf.h"

namespace kinglet {

// Where a tensor lies in the packed bytes. A tensor of three dimensions is matrices one after the
// other, each of whole panels.
struct PackedTensor {
  const Tensor* tensor = nullptr;
  std::size_t offset = 0;        // a multiple of 64
  std::size_t panel_bytes = 0;   // of 16 rows
  std::size_t matrix_bytes = 0;  // of shape[1] rows, the last panel filled up with zeros
  std::size_t matrix_count = 0;
};

// The plan: which tensors are packed, and where to. Pure: the same file gives the same plan.
struct PackedLayout {
  std::vector<PackedTensor> tensors;  // sorted by the address of `tensor`
  std::size_t bytes = 0;
};
// Of those of the matrices whose type has panels.
PackedLayout PlanPacking(std::span<const Tensor* const> matrices);

// Packs all tensors of the plan into out [plan.bytes], panels shared among the threads.
void PackTensors(const PackedLayout& layout, ThreadPool& pool, std::uint8_t* out);

// Owns the packed bytes.
class PackedWeights {
 public:
  // kLimitExceeded where memory is not to be had.
  static Result<PackedWeights> InMemory(PackedLayout layout, ThreadPool& pool);

  std::size_t bytes() const { return layout_.bytes; }
  // Null where the tensor is not packed.
  const PackedTensor* Find(const Tensor& tensor) const;
  const std::uint8_t* data(const PackedTensor& packed) const {
    return memory_.get() + packed.offset;
  }

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const;
  };
  PackedLayout layout_;
  std::unique_ptr<std::uint8_t[], Free> memory_;
};

}  // namespace kinglet
