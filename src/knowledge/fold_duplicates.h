// SPDX-License-Identifier: Apache-2.0
// What a search found more than once is shown once.
#pragma once

#include <vector>

#include "knowledge/passage.h"

namespace kinglet {

// Leaves out each passage that says what a better one of another document says, and names its
// document in also_in of that. Two say the same where 0.8 of their shingles are in both and the
// same numbers and negations: another deadline is another passage.
std::vector<Passage> FoldDuplicates(std::vector<Passage> ranked);

}  // namespace kinglet
