// SPDX-License-Identifier: Apache-2.0
// Speeds are made once, in double precision: an angle is a position of thousands times one of them.
#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/weights.h"

namespace kinglet {
namespace {

// The pair, with a fraction, that turns so many times in the original context.
double PairWithTurns(const ModelConfig& config, double turns) {
  const double tokens_a_turn = static_cast<double>(config.rope_original_context) / turns;
  return static_cast<double>(config.rope_dim) * std::log(tokens_a_turn / (2 * std::numbers::pi)) /
         (2 * std::log(config.rope_base));
}

// How much of the scaling a pair takes, 0 to 1.
double ScaledShare(const ModelConfig& config, double pair) {
  if (config.rope_scaling != RopeScaling::kYarn) return 1;
  const double last = static_cast<double>(config.rope_dim) - 1;
  const double fast = std::max(0.0, std::floor(PairWithTurns(config, config.rope_beta_fast)));
  const double slow = std::min(last, std::ceil(PairWithTurns(config, config.rope_beta_slow)));
  return std::clamp((pair - fast) / std::max(0.001, slow - fast), 0.0, 1.0);
}

}  // namespace

Rope MakeRope(const ModelConfig& config, const ModelTensors& tensors) {
  const std::size_t pairs = config.rope_dim / 2;
  Rope rope;
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto pair = static_cast<double>(i);
    const double speed = std::pow(config.rope_base, -pair / static_cast<double>(pairs));
    const double share = ScaledShare(config, pair);
    rope.speeds.push_back(speed * (share / config.rope_scale + (1 - share)));
    if (tensors.rope_freqs != nullptr) rope.speeds[i] /= Floats(tensors.rope_freqs)[i];
  }
  if (config.rope_scaling == RopeScaling::kYarn) {
    const double lengthened = 1 + 0.1 * std::log(std::max(1.0, config.rope_scale));
    rope.magnitude = lengthened * config.rope_attention_factor;
  }
  return rope;
}

}  // namespace kinglet
