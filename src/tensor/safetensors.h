// SPDX-License-Identifier: Apache-2.0
// A safetensors file, mapped and checked whole before any byte of it is used. Format: the README of
// the safetensors project: the header's length (uint64, little-endian), the header as JSON, the
// data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "tensor/gguf.h"

namespace kinglet {

class SafetensorsFile {
 public:
  // Errors begin with the path; a broken file is kInvalidInput.
  static Result<SafetensorsFile> Open(const std::filesystem::path& path);
  // The same checks on bytes that the caller keeps alive.
  static Result<SafetensorsFile> Parse(std::span<const std::byte> bytes);

  // Sorted by name. As everywhere here a shape is innermost first, the reverse of the header's; a
  // scalar has shape {1}. Types are F64 F32 F16 BF16 I64 I32 I16 I8. Data need not be aligned.
  std::span<const Tensor> tensors() const { return tensors_; }
  const Tensor* FindTensor(std::string_view name) const;

  // Copies of a tensor that must be there, be of type F32 or I32, and have this shape (innermost
  // first).
  Result<std::vector<float>> Floats(std::string_view name,
                                    std::span<const std::uint64_t> shape) const;
  Result<std::vector<std::int32_t>> Int32s(std::string_view name,
                                           std::span<const std::uint64_t> shape) const;

 private:
  SafetensorsFile() = default;

  MappedFile mapping_;
  std::vector<std::string> names_;  // what the tensors' names view; never grows once filled
  std::vector<Tensor> tensors_;
};

}  // namespace kinglet
