// SPDX-License-Identifier: Apache-2.0
// Claim (c): a mixture of experts costs what its active weights cost.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "claims/finding.h"
#include "claims/setup.h"

namespace kinglet {

Finding StateSparseExperts();
Result<void> TestSparseExperts(const ClaimSetup& setup, Finding& finding);

// What a token's text is made of.
enum class TokenClass { kWord, kNumber, kPunctuation, kSpace, kOther };
inline constexpr std::array<const char*, 5> kTokenClasses = {"words", "numbers", "punctuation",
                                                             "white space", "other scripts"};
// A token with a letter is a word, else one with a digit a number.
TokenClass ClassOf(std::string_view token);

}  // namespace kinglet
