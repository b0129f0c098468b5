// SPDX-License-Identifier: Apache-2.0
// Whether the retrieved passages speak of the question at all: by the words they share, and by
// meaning where the library has vectors. It catches what is off topic and what names something that
// the library never mentions, not every subtle gap.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "answer/answer.h"
#include "answer/evidence.h"
#include "answer/terms.h"

namespace kinglet {

struct GateDecision {
  std::optional<AbstainReason> abstain;
  double coverage = 0;      // of the question's words by the passage that covers it best: 0..1
  double topic = 0;         // how much the passage that is closest to it is about it: 0..1
  double answers = 0;       // likewise, of those that hold all that the question names
  std::string explanation;  // for a person: which words stand nowhere
};

GateDecision Gate(const std::vector<Term>& question, const Evidence& evidence);

}  // namespace kinglet
