// SPDX-License-Identifier: Apache-2.0
// The table of tensor types.
#include "tensor/dtype.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(DType, FindsEachRowByItsNumber) {
  EXPECT_EQ(AllDTypes().size(), 32U);
  for (const DTypeInfo& row : AllDTypes()) {
    EXPECT_EQ(FindDType(static_cast<std::uint32_t>(row.dtype)), &row) << row.name;
    EXPECT_EQ(&Info(row.dtype), &row);
    EXPECT_TRUE(row.block_values == 1 || row.block_values == 32 || row.block_values == 256);
  }
}

TEST(DType, KnowsBitsPerWeight) {
  const auto bits = [](DType dtype) {
    return 8.0 * Info(dtype).block_bytes / Info(dtype).block_values;
  };
  EXPECT_EQ(bits(DType::kQ4_0), 4.5);
  EXPECT_EQ(bits(DType::kQ8_0), 8.5);
  EXPECT_EQ(bits(DType::kQ4_K), 4.5);
  EXPECT_EQ(bits(DType::kQ6_K), 6.5625);
  EXPECT_EQ(bits(DType::kIQ2_XXS), 2.0625);
  EXPECT_EQ(bits(DType::kIQ1_M), 1.75);
  EXPECT_EQ(bits(DType::kMXFP4), 4.25);
}

TEST(DType, KnowsNumbersThatWereRemoved) {
  for (const std::uint32_t number : {4U, 5U, 31U, 32U, 33U, 36U, 37U, 38U}) {
    EXPECT_EQ(FindDType(number), nullptr) << number;
    EXPECT_FALSE(RemovedDTypeName(number).empty()) << number;
  }
  EXPECT_EQ(RemovedDTypeName(4), "Q4_2");
  EXPECT_EQ(FindDType(250), nullptr);
  EXPECT_EQ(RemovedDTypeName(250), "");
}

}  // namespace
}  // namespace kinglet
