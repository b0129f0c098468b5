// SPDX-License-Identifier: Apache-2.0
// Sentences that say of one thing two things: the same words around another number or name, or the
// same with a negation. By rule, so that it holds for every model; what contradicts in other words
// it does not see.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "answer/evidence.h"
#include "answer/terms.h"

namespace kinglet {

// Windows of other passages that contradict what `carrier`, a window of the evidence, says with
// `span`, a part of its text: at most one of each passage, in the passages' order. They speak of
// the question as much as the carrier does.
std::vector<std::size_t> FindConflicts(const Window& carrier, std::string_view span,
                                       const std::vector<Term>& question, const Evidence& evidence);

}  // namespace kinglet
