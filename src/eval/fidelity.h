// SPDX-License-Identifier: Apache-2.0
// How far a model's answers are from what its stored weights say when nothing else is rounded: KL
// divergence against logits that were computed in double precision.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/model.h"
#include "tensor/safetensors.h"

namespace kinglet {

// One text of a golden file. T: its tokens, N: ids a position, usually 64.
struct GoldenText {
  std::string name;
  std::size_t top_count = 0;          // N
  std::vector<std::int32_t> tokens;   // [T]
  std::vector<std::int32_t> top_ids;  // [T][N] after tokens[0..t], greatest logit first
  std::vector<float> top_logits;      // [T][N]
  std::vector<float> log_sum_exp;     // [T] over the whole vocabulary
  // [T] of a mixture: by how much, in router logits and in the closest layer, the last expert
  // chosen led the first one not chosen. Empty for other models.
  std::vector<float> router_lead;
};

// Where the lead is smaller, rounding decides between two experts: such a position says nothing.
inline constexpr float kClearRouterLead = 0.02F;

// The texts of a file with the arrays NAME/tokens, NAME/top_ids, NAME/top_logits, NAME/logsumexp,
// and NAME/router_lead where it is there.
// kInvalidInput names an array that is missing or does not fit the others.
Result<std::vector<GoldenText>> ReadGoldenTexts(const SafetensorsFile& file);

// Of a mixture, the positions with a clear router lead alone are judged.
struct Fidelity {
  std::size_t tokens = 0;
  double kl_mean = 0;    // nats, over positions 1..; the first is often an outlier
  double kl_median = 0;  // of the same positions
  double kl_p99 = 0;
  double kl_first = 0;  // position 0
  double same_top = 0;  // share of all positions with the golden's first id on top
};

// KL(golden || logits) over N + 1 outcomes: the golden's N ids, and all others as one. A lower
// bound of the KL over the whole vocabulary. Infinite where a logit is not a number.
double KlDivergence(std::span<const std::int32_t> top_ids, std::span<const float> top_logits,
                    float log_sum_exp, std::span<const float> logits);

// Feeds the text in pieces of `chunk` tokens, 1..kStepTokens.
Result<Fidelity> MeasureFidelity(Model& model, const GoldenText& text, std::size_t chunk);

}  // namespace kinglet
