// SPDX-License-Identifier: Apache-2.0
// The table for CPUs with AVX-512 F, BW, DQ, VL and VNNI.
#pragma once

#include "kernels/ops.h"

namespace kinglet {

extern const Ops kAvx512Ops;

}  // namespace kinglet
