// SPDX-License-Identifier: Apache-2.0
// The grids of the IQ types: a code of theirs is the number of a point, whose coordinates are the
// magnitudes (IQ1: the values) of neighbouring weights.
#pragma once

#include <cstdint>

namespace kinglet {

template <int kCount, int kWidth>
struct IqGrid {
  std::int8_t points[kCount][kWidth];
};

extern const IqGrid<2048, 8> kGridIQ1;
extern const IqGrid<256, 8> kGridIQ2_XXS;
extern const IqGrid<512, 8> kGridIQ2_XS;
extern const IqGrid<1024, 8> kGridIQ2_S;
extern const IqGrid<256, 4> kGridIQ3_XXS;
extern const IqGrid<512, 4> kGridIQ3_S;

}  // namespace kinglet
