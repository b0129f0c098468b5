// SPDX-License-Identifier: Apache-2.0
// A share of some that were drawn, and how far off it may be.
#pragma once

#include <cstddef>

namespace kinglet {

struct Interval {
  double low = 0;
  double high = 1;
};

// Wilson's score interval of 95 % confidence (Wilson 1927); [0, 1] of none.
Interval WilsonInterval(std::size_t right, std::size_t of);

}  // namespace kinglet
