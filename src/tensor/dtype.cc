// SPDX-License-Identifier: Apache-2.0
// The table's rows, from ggml's block structures.
#include "tensor/dtype.h"

#include <algorithm>

#include "base/check.h"

namespace kinglet {
namespace {

constexpr DTypeInfo kDTypes[] = {
    {DType::kF32, "F32", 1, 4},
    {DType::kF16, "F16", 1, 2},
    {DType::kQ4_0, "Q4_0", 32, 18},
    {DType::kQ4_1, "Q4_1", 32, 20},
    {DType::kQ5_0, "Q5_0", 32, 22},
    {DType::kQ5_1, "Q5_1", 32, 24},
    {DType::kQ8_0, "Q8_0", 32, 34},
    {DType::kQ8_1, "Q8_1", 32, 36},
    {DType::kQ2_K, "Q2_K", 256, 84},
    {DType::kQ3_K, "Q3_K", 256, 110},
    {DType::kQ4_K, "Q4_K", 256, 144},
    {DType::kQ5_K, "Q5_K", 256, 176},
    {DType::kQ6_K, "Q6_K", 256, 210},
    {DType::kQ8_K, "Q8_K", 256, 292},
    {DType::kIQ2_XXS, "IQ2_XXS", 256, 66},
    {DType::kIQ2_XS, "IQ2_XS", 256, 74},
    {DType::kIQ3_XXS, "IQ3_XXS", 256, 98},
    {DType::kIQ1_S, "IQ1_S", 256, 50},
    {DType::kIQ4_NL, "IQ4_NL", 32, 18},
    {DType::kIQ3_S, "IQ3_S", 256, 110},
    {DType::kIQ2_S, "IQ2_S", 256, 82},
    {DType::kIQ4_XS, "IQ4_XS", 256, 136},
    {DType::kI8, "I8", 1, 1},
    {DType::kI16, "I16", 1, 2},
    {DType::kI32, "I32", 1, 4},
    {DType::kI64, "I64", 1, 8},
    {DType::kF64, "F64", 1, 8},
    {DType::kIQ1_M, "IQ1_M", 256, 56},
    {DType::kBF16, "BF16", 1, 2},
    {DType::kTQ1_0, "TQ1_0", 256, 54},
    {DType::kTQ2_0, "TQ2_0", 256, 66},
    {DType::kMXFP4, "MXFP4", 32, 17},
};

// Numbers that files of old carry; their blocks are no longer defined.
struct RemovedDType {
  std::uint32_t number;
  std::string_view name;
};
constexpr RemovedDType kRemoved[] = {
    {4, "Q4_2"},      {5, "Q4_3"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},
    {33, "Q4_0_8_8"}, {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"},
};

static_assert(std::ranges::is_sorted(kDTypes, {}, &DTypeInfo::dtype));

}  // namespace

std::span<const DTypeInfo> AllDTypes() { return kDTypes; }

const DTypeInfo* FindDType(std::uint32_t gguf_number) {
  const auto* row = std::ranges::find(kDTypes, DType{gguf_number}, &DTypeInfo::dtype);
  return row == std::end(kDTypes) ? nullptr : row;
}

std::string_view RemovedDTypeName(std::uint32_t gguf_number) {
  const auto* row = std::ranges::find(kRemoved, gguf_number, &RemovedDType::number);
  return row == std::end(kRemoved) ? std::string_view() : row->name;
}

const DTypeInfo& Info(DType dtype) {
  const DTypeInfo* row = FindDType(static_cast<std::uint32_t>(dtype));
  KINGLET_CHECK(row != nullptr, "dtype {}", static_cast<std::uint32_t>(dtype));
  return *row;
}

}  // namespace kinglet
