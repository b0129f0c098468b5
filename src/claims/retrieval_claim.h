// SPDX-License-Identifier: Apache-2.0
// Claim b: a small model that reads what a search finds answers better than one several times
// larger that has nothing but what it was trained on.
#pragma once

#include <span>

#include "claims/finding.h"
#include "claims/setup.h"
#include "eval/grounding.h"

namespace kinglet {

Finding StateRetrieval();
Result<void> TestRetrieval(const ClaimSetup& setup, Finding& finding);

// small: of Kinglet's reading, large: by itself; of the same questions.
void JudgeRetrieval(std::span<const GroundingOutcome> small,
                    std::span<const GroundingOutcome> large, Finding& finding);

}  // namespace kinglet
