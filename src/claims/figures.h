// SPDX-License-Identifier: Apache-2.0
// Estimates of an evaluation as figures, bars and cells of a finding.
#pragma once

#include <string>

#include "claims/finding.h"
#include "eval/retrieval_metrics.h"

namespace kinglet {

inline constexpr double kMsPerSecond = 1000;

Figure Plain(const Estimate& estimate, std::string unit = "");
// Of a difference of shares: in hundredths.
Figure Points(const Estimate& estimate);
// "12.3 (11.9 to 12.8)"
std::string ShowEstimate(const Estimate& estimate);
PlotPoint Bar(std::string label, const Estimate& estimate);

}  // namespace kinglet
