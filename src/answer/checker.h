// SPDX-License-Identifier: Apache-2.0
// Which window carries a sentence of the model, and which windows answer a question best without a
// model. Pure: words and weights in, a choice out.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "answer/evidence.h"
#include "answer/terms.h"

namespace kinglet {

struct Support {
  std::size_t window = 0;  // index into Evidence::windows()
  double score = 0;        // 0..1
};

// The window that carries the claim, or nothing. A claim is carried when
// - its words that the question did not hold stand in the window, by weight nearly all of them, and
// - half of those that it shares with the question do, there or in the heading, and
// - each of its names and numbers stands in the window or in the question.
// A claim that only repeats the question says nothing and is not carried.
std::optional<Support> FindSupport(const std::vector<Term>& claim,
                                   const std::vector<Term>& question, const Evidence& evidence);

// The windows that speak of the question most, best first, none overlapping another; at most count.
std::vector<Support> BestWindows(const std::vector<Term>& question, const Evidence& evidence,
                                 std::size_t count);

// What to show of a question that nothing found is about: where passages have vectors, a sentence
// of the one that is closest by meaning, that with most of the question's words; else the best by
// words. Nothing: a word at most is shared.
std::optional<std::size_t> ClosestWindow(const std::vector<Term>& question,
                                         const Evidence& evidence);

}  // namespace kinglet
