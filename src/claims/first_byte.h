// SPDX-License-Identifier: Apache-2.0
// Claim (a): an 8B model in four bits answers its first byte at once, a 70B cannot.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "claims/finding.h"
#include "claims/model_shape.h"
#include "claims/setup.h"
#include "claims/speed.h"

namespace kinglet {

Finding StateFirstByte();
Result<void> TestFirstByte(const ClaimSetup& setup, Finding& finding);

struct MeasuredModel {
  std::string name;
  ModelShape shape;
  Speed speed;
};

// What a model of this shape would take to its first byte behind so many new tokens, were each of
// its weights as fast as those of the models that were measured: by the largest, and the range of
// all. Each was measured for these tokens.
Figure Foresee(std::span<const MeasuredModel> measured, const ModelShape& shape,
               std::size_t tokens);

}  // namespace kinglet
