// SPDX-License-Identifier: Apache-2.0
// Speeds are made once, in double precision: an angle is a position of thousands times one of them.
#include "model/rope.h"

#include <cmath>

#include "model/weights.h"

namespace kinglet {

std::vector<double> RopeSpeeds(const ModelConfig& config, const ModelTensors& tensors) {
  const std::size_t pairs = config.rope_dim / 2;
  std::vector<double> speeds(pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    const double exponent = static_cast<double>(i) / static_cast<double>(pairs);
    speeds[i] = std::pow(config.rope_base, -exponent) / config.rope_scale;
    if (tensors.rope_freqs != nullptr) speeds[i] /= Floats(*tensors.rope_freqs)[i];
  }
  return speeds;
}

}  // namespace kinglet
