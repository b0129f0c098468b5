// SPDX-License-Identifier: Apache-2.0
// In ratios: a rate is as far from its double as from its half.
#include "eval/load_search.h"

#include <algorithm>
#include <cmath>

namespace kinglet {

Result<std::optional<double>> FindRate(double first, double most, double precision,
                                       const std::function<Result<bool>(double)>& is_kept) {
  double kept = 0;
  double lost = 0;
  for (double rate = std::min(first, most); kept == 0 || lost == 0;) {
    if (TRY(is_kept(rate))) {
      kept = rate;
      if (rate == most) return most;
      rate = std::min(2 * rate, most);
    } else {
      lost = rate;
      rate /= 2;
    }
    if (kept == 0 && rate < first / 1000) return std::nullopt;
  }
  while (lost / kept > precision) {
    const double middle = std::sqrt(kept * lost);
    if (TRY(is_kept(middle))) {
      kept = middle;
    } else {
      lost = middle;
    }
  }
  return kept;
}

}  // namespace kinglet
