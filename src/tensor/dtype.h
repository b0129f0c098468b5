// SPDX-License-Identifier: Apache-2.0
// THE table of tensor types: GGUF's number, name, values and bytes a block. A row is all that
// reading a file needs to know of a type; how its blocks turn into numbers is kernels/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kinglet {

// The numbers of the GGUF specification (ggml_type).
enum class DType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
};

struct DTypeInfo {
  DType dtype;
  std::string_view name;       // "Q4_K"
  std::uint32_t block_values;  // values a block: 1, 32 or 256
  std::uint32_t block_bytes;
};

// All rows, in GGUF's order.
std::span<const DTypeInfo> AllDTypes();
// The row of a number read from a file, or null where there is no such type (never was, or
// removed).
const DTypeInfo* FindDType(std::uint32_t gguf_number);
// The name that a removed number had ("Q4_2" for 4), or nothing.
std::string_view RemovedDTypeName(std::uint32_t gguf_number);
// The row of a known type.
const DTypeInfo& Info(DType dtype);

}  // namespace kinglet
