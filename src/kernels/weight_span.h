// SPDX-License-Identifier: Apache-2.0
// What the bytes of a tensor type mean, in plain loops: a row, span by span.
#pragma once

#include <cstdint>

#include "kernels/ops.h"
#include "kernels/quant_blocks.h"

namespace kinglet {

// 32 weights: scale[h] * (code - offset) - minimum[h], h the half of the span.
struct WeightSpan {
  int codes[kSpan];
  int offset = 0;
  float scale[2];
  float minimum[2] = {0, 0};
};

// Span `span` of a row of a type whose weights are codes (quant_blocks.h).
WeightSpan ReadSpan(DType dtype, const std::uint8_t* row, int span);

// The 6-bit scale and minimum of sub-block i of Q4_K and Q5_K, from their twelve bytes.
void ReadScaleAndMinimum(const std::uint8_t* packed, int i, int& scale, int& minimum);
// The signed scale of sub-block i: of 16 weights in Q3_K, of 32 in IQ4_XS.
int ReadScale(const BlockQ3_K& block, int i);
int ReadScale(const BlockIQ4_XS& block, int i);

// F32, F16 and BF16, and value i of a row of them.
bool IsFloat(DType dtype);
float ReadFloat(DType dtype, const std::uint8_t* row, int i);

}  // namespace kinglet
