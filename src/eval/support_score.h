// SPDX-License-Identifier: Apache-2.0
// How strongly a passage supports a claim, by words alone.
#pragma once

#include <string_view>

namespace kinglet {

// 0..1. Each word of the claim that the passage lacks is a doubt, function words among them, and so
// is, much less, each place of the passage that the claim is put together from (the "fragments" of
// Grusky et al. 2018): the score is e to the minus doubts, which weigh less in a long claim. 1 is
// nearly reached by what stands there word for word; a claim without a word has 0.
double SupportScore(std::string_view claim, std::string_view passage);

// The share of the claim's words that stand in the passage: what the score is to be better than.
double WordContainment(std::string_view claim, std::string_view passage);

}  // namespace kinglet
