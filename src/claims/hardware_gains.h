// SPDX-License-Identifier: Apache-2.0
// Claim (f): what wider arithmetic of the hardware gives, and what algorithms give on top of it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "claims/finding.h"
#include "claims/setup.h"

namespace kinglet {

Finding StateHardwareGains();
Result<void> TestHardwareGains(const ClaimSetup& setup, Finding& finding);

// A step of the ladder: one thing more than the step before it.
struct LadderStep {
  std::string name;
  bool is_hardware = false;  // a gain of this step is the hardware's
  std::vector<double> ms;    // of an answer, each repetition
  double joules = 0;         // of an answer
};

// How many times what the steps of hardware gain together the others gain together. The first step
// is what both are counted from.
Figure GainOfAlgorithms(std::span<const LadderStep> ladder, std::uint64_t seed);

}  // namespace kinglet
