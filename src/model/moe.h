// SPDX-License-Identifier: Apache-2.0
// A mixture of experts (Shazeer et al. 2017): a router gives each token a few of many gated
// networks. Tokens are sorted by expert, so that an expert's weights are read once a step.
#pragma once

#include <cstddef>

#include "model/step.h"
#include "model/weights.h"

namespace kinglet {

// delta = for each token of normed, the outputs of the experts with its greatest odds, by their
// shares, added up best first: what the other tokens of the step choose touches no bit of it.
void RunExperts(Step& step, std::size_t layer, const MixtureWeights& weights);

}  // namespace kinglet
