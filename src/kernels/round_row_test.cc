// SPDX-License-Identifier: Apache-2.0
// Rounded weights are within half a step of the floats, and what is no number stays none.
#include "kernels/round_row.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/matrix_for_test.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

constexpr std::size_t kColumns = 96;

std::vector<float> Read(DType dtype, const std::uint8_t* row) {
  std::vector<float> values(kColumns);
  kScalarOps.dequantise_row(dtype, row, kColumns, values.data());
  return values;
}

std::vector<float> Rounded(DType dtype, const std::uint8_t* row) {
  std::vector<std::uint8_t> blocks(kColumns / 32 * Info(DType::kQ8_0).block_bytes);
  RoundRow(dtype, row, kColumns, blocks.data());
  return Read(DType::kQ8_0, blocks.data());
}

std::vector<float> Rounded(const std::vector<float>& values) {
  return Rounded(DType::kF32, reinterpret_cast<const std::uint8_t*>(values.data()));
}

TEST(RoundRowTest, ValuesAreWithinHalfAStep) {
  std::mt19937 random(1);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const RandomMatrix matrix(dtype, 1, kColumns, random);
    const std::vector<float> values = Read(dtype, matrix.bytes.data());
    const std::vector<float> rounded = Rounded(dtype, matrix.bytes.data());
    for (std::size_t i = 0; i < kColumns; ++i) {
      float largest = 0;
      for (std::size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) {
        largest = std::max(largest, std::fabs(values[j]));
      }
      // Half a step of 1/127; and the scale's own rounding, which the greatest codes feel.
      EXPECT_NEAR(rounded[i], values[i], largest * (0.5F / 127 + 0x1p-10F)) << Info(dtype).name;
    }
  }
}

TEST(RoundRowTest, ABlockOfZerosStaysOne) {
  std::vector<float> values(kColumns, 0);
  EXPECT_EQ(Rounded(values), values);
  values[40] = 1e-30F;  // its scale is 0 in f16
  EXPECT_EQ(Rounded(values), std::vector<float>(kColumns, 0));
}

TEST(RoundRowTest, WhatIsNoNumberSpoilsItsOwnBlockOnly) {
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity(), -1e30F}) {
    std::vector<float> values(kColumns, 0.5F);
    values[33] = value;
    const std::vector<float> rounded = Rounded(values);
    for (std::size_t i = 0; i < kColumns; ++i) {
      EXPECT_EQ(std::isnan(rounded[i]), i / 32 == 1) << i;
    }
  }
}

}  // namespace
}  // namespace kinglet
