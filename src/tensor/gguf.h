// SPDX-License-Identifier: Apache-2.0
// A GGUF file (versions 2 and 3, little-endian), mapped and checked whole before any byte of it is
// used. Format: the GGUF specification of the ggml project (docs/gguf.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "tensor/dtype.h"

namespace kinglet {

// A tensor as a file holds it: a view into the mapping, which the GgufFile owns.
struct Tensor {
  std::string_view name;
  DType dtype = DType::kF32;
  // Innermost first, as in GGUF: shape[0] values are contiguous; a weight matrix (rows, columns)
  // has shape {columns, rows}. 1 to 4 dimensions, each at least 1.
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> data;

  std::uint64_t columns() const { return shape[0]; }
  std::uint64_t rows() const;  // product of all dimensions but the first
};

struct GgufString {
  std::string_view value;
};
// Arrays of strings are offsets into the mapping, so that a vocabulary is not copied until asked
// for.
using GgufArray =
    std::variant<std::vector<std::uint8_t>, std::vector<std::int64_t>, std::vector<float>,
                 std::vector<std::string_view>, std::vector<bool>>;
// Integers of all widths are read as int64 (uint64 beyond it is refused), floats as double.
using GgufValue = std::variant<bool, std::int64_t, double, std::string_view, GgufArray>;

class GgufFile {
 public:
  // Opens path, and its siblings where it is the first of a split file (-00001-of-000NN.gguf; the
  // others are refused with the name of the first). Errors are kInvalidInput and name what is wrong
  // and where.
  static Result<GgufFile> Open(const std::filesystem::path& path);

  const GgufValue* Find(std::string_view key) const;
  const Tensor* FindTensor(std::string_view name) const;
  std::span<const Tensor> tensors() const;
  // ... (typed access: Require<T>(key), Get<T>(key, fallback), with errors that name key and types)
};

}  // namespace kinglet
