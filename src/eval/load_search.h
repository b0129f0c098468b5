// SPDX-License-Identifier: Apache-2.0
// The highest rate that is kept, by bisection.
#pragma once

#include <functional>
#include <optional>

#include "base/status.h"

namespace kinglet {

// Doubles or halves from `first` until one rate is kept and one is not, then bisects the ratio of
// the two until it is at most `precision`. `most` is the answer where it is kept; nothing where a
// thousandth of `first` is not.
Result<std::optional<double>> FindRate(double first, double most, double precision,
                                       const std::function<Result<bool>(double)>& is_kept);

}  // namespace kinglet
