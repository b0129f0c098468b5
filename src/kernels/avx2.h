// SPDX-License-Identifier: Apache-2.0
// The table for CPUs with AVX2, FMA and F16C.
#pragma once

#include "kernels/ops.h"

namespace kinglet {

extern const Ops kAvx2Ops;

}  // namespace kinglet
