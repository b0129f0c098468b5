// SPDX-License-Identifier: Apache-2.0
// Spans of the types of about one to three bits: IQ1, IQ2, IQ3 and TQ. ReadSpan's second half.
#pragma once

#include "kernels/weight_span.h"

namespace kinglet {

WeightSpan ReadSparseSpan(DType dtype, const std::uint8_t* row, int span);

}  // namespace kinglet
