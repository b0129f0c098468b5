// SPDX-License-Identifier: Apache-2.0
// A claim and how it is put to the test here. One file each; the table is in experiment.cc.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "claims/finding.h"
#include "claims/setup.h"

namespace kinglet {

struct Experiment {
  const char* letter = "";  // where a claim is tested in two ways, with a number behind it
  std::vector<Part> needs;  // without these it is not testable
  // What is claimed, and how it would show: claim, hypothesis, data, metric, bound.
  Finding (*state)() = nullptr;
  // Puts into the finding what it comes to.
  Result<void> (*test)(const ClaimSetup& setup, Finding& finding) = nullptr;
};

// In the order of their letters.
std::span<const Experiment> Experiments();

// kCancelled alone is an error; any other makes the claim not testable, and says why.
Result<Finding> TestClaim(const Experiment& experiment, const ClaimSetup& setup);

}  // namespace kinglet
