// SPDX-License-Identifier: Apache-2.0
// Claim e, of what goes in: a model reads answers better out of web pages that were cleaned than
// out of their HTML.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "claims/finding.h"
#include "claims/setup.h"
#include "eval/grounding.h"

namespace kinglet {

Finding StateCleanPages();
Result<void> TestCleanPages(const ClaimSetup& setup, Finding& finding);

// Of the same answerable questions.
void JudgeCleanPages(std::span<const GroundingOutcome> clean, std::span<const GroundingOutcome> raw,
                     Finding& finding);

// The page with the paragraph in its middle, by its own paragraphs; at its end where it has none.
std::string PutParagraph(std::string_view html, std::string_view paragraph);

}  // namespace kinglet
