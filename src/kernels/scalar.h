// SPDX-License-Identifier: Apache-2.0
// The portable table of operations, and what other tables take from it.
#pragma once

#include "kernels/ops.h"

namespace kinglet {

// The largest magnitude of a span below which it is rounded to zero: 127 / it must stay finite.
inline constexpr float kSmallestSpanMaximum = 1e-30F;

// One row of a supported type to f32, exact: the embedding lookup of every table.
void DequantiseRow(DType dtype, const std::uint8_t* row, int columns, float* out);

// scalar_attention.cc
void ScalarStoreKv(const KvBlockLayout& layout, const float* key, const float* value, int slot,
                   std::uint8_t* block);
void ScalarAttend(const AttendArgs& args);
void ScalarMergePartial(const float* partial, int value_stride, float* inout);

extern const Ops kScalarOps;

}  // namespace kinglet
