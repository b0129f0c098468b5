// SPDX-License-Identifier: Apache-2.0
// Wilson's interval stays within 0 and 1, and is of use where all or none are right.
#include "eval/proportion.h"

#include <algorithm>
#include <cmath>

namespace kinglet {

Interval WilsonInterval(std::size_t right, std::size_t of) {
  if (of == 0) return {};
  constexpr double kZ = 1.959963984540054;  // of the normal distribution, 2.5 % above
  const auto n = static_cast<double>(of);
  const double share = static_cast<double>(right) / n;
  const double middle = share + kZ * kZ / (2 * n);
  const double reach = kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  const double whole = 1 + kZ * kZ / n;
  return {.low = std::max(0.0, (middle - reach) / whole),
          .high = std::min(1.0, (middle + reach) / whole)};
}

}  // namespace kinglet
