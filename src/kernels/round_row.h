// SPDX-License-Identifier: Apache-2.0
// Float weights rounded to Q8_0, so that they meet activations of 8 bits in the integer kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace kinglet {

// A row of F32, F16 or BF16 -> blocks of Q8_0. columns: a multiple of 32. A block with a value that
// is not finite, or whose scale is beyond f16, becomes NaN.
void RoundRow(DType dtype, const std::uint8_t* row, std::size_t columns, std::uint8_t* out);

}  // namespace kinglet
