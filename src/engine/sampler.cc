// SPDX-License-Identifier: Apache-2.0
// Filters see probabilities at temperature 1, as llama.cpp's users know them: top-k, top-p, min-p,
// then temperature, then the draw.
#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "base/check.h"

namespace kinglet {
namespace {

// SplitMix64 (Steele, Lea and Flood 2014) of a counter: draw n is the same on every machine.
double Uniform(std::uint64_t seed, std::uint64_t draw) {
  std::uint64_t z = seed + (draw + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

// What is not a number is impossible, what is infinite very great or very small.
float Number(float logit) {
  constexpr float kMost = std::numeric_limits<float>::max();
  return std::isnan(logit) ? -kMost : std::clamp(logit, -kMost, kMost);
}

constexpr std::size_t kBlock = 64;  // ids, a word of a mask

// What is not a number counts for nothing.
float GreatestOf(std::span<const float> logits) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> lanes;
  lanes.fill(-std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = logits[i + lane] > lanes[lane] ? logits[i + lane] : lanes[lane];
    }
  }
  for (; i < logits.size(); ++i) lanes[0] = logits[i] > lanes[0] ? logits[i] : lanes[0];
  return std::ranges::max(lanes);
}

// Calls `see` with the ids, in their order, that are allowed and whose logits are above `least()`,
// which may rise. A block of ids that has none such, as nearly all have, costs a few comparisons.
template <typename Least, typename See>
void ForEachAbove(std::span<const float> logits, std::span<const std::uint64_t> allowed,
                  const Least& least, const See& see) {
  const std::size_t size =
      allowed.empty() ? logits.size() : std::min(logits.size(), allowed.size() * kBlock);
  for (std::size_t first = 0; first < size; first += kBlock) {
    const std::span block = logits.subspan(first, std::min(kBlock, logits.size() - first));
    std::uint64_t bits = allowed.empty() ? ~std::uint64_t{0} : allowed[first / kBlock];
    if (block.size() < kBlock) bits &= (std::uint64_t{1} << block.size()) - 1;
    if (bits == 0 || !(GreatestOf(block) > least())) continue;
    for (; bits != 0; bits &= bits - 1) {
      const auto at = static_cast<std::size_t>(std::countr_zero(bits));
      if (block[at] > least()) see(first + at);
    }
  }
}

// Where no logit is a number above the least one.
TokenId FirstAllowed(std::span<const std::uint64_t> allowed) {
  if (allowed.empty()) return 0;
  const auto word = std::ranges::find_if(allowed, [](std::uint64_t bits) { return bits != 0; });
  KINGLET_CHECK(word != allowed.end(), "no token is allowed");
  return static_cast<TokenId>((word - allowed.begin()) * static_cast<std::ptrdiff_t>(kBlock) +
                              std::countr_zero(*word));
}

// The first of the greatest.
TokenId Greatest(std::span<const float> logits, std::span<const std::uint64_t> allowed) {
  std::optional<std::size_t> best;
  float greatest = -std::numeric_limits<float>::max();
  ForEachAbove(
      logits, allowed, [&] { return greatest; },
      [&](std::size_t id) {
        greatest = Number(logits[id]);
        best = id;
      });
  return best ? static_cast<TokenId>(*best) : FirstAllowed(allowed);
}

}  // namespace

std::vector<std::pair<TokenId, float>> TopLogits(std::span<const float> logits, std::size_t count) {
  std::vector<std::pair<TokenId, float>> top;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (top.size() == count && !(logits[id] > top.back().second)) continue;
    const std::pair entry(static_cast<TokenId>(id), Number(logits[id]));
    const auto place =
        std::ranges::find_if(top, [&](const auto& other) { return entry.second > other.second; });
    top.insert(place, entry);
    if (top.size() > count) top.pop_back();
  }
  return top;
}

double LogSumExp(std::span<const float> logits) {
  const double top = GreatestOf(logits);
  if (!std::isfinite(top)) return top;
  double sum = 0;
  for (const float logit : logits) {
    if (!std::isnan(logit)) sum += std::exp(logit - top);
  }
  return top + std::log(sum);
}

float Logprob(float logit, double log_sum_exp) {
  const double logprob = logit - log_sum_exp;
  return std::isfinite(logprob) ? static_cast<float>(logprob)
                                : std::numeric_limits<float>::lowest();
}

Sampler::Sampler(const SamplingOptions& options, std::size_t vocab_size) : options_(options) {
  const bool all = options.top_k <= 0 || static_cast<std::size_t>(options.top_k) > vocab_size;
  const std::size_t most = all ? vocab_size : static_cast<std::size_t>(options.top_k);
  if (options.temperature > 0) {
    candidates_.reserve(most + 1);
    weights_.reserve(most + 1);
  }
}

TokenId Sampler::Choose(std::span<const float> logits, std::span<const TokenId> history,
                        std::span<const std::uint64_t> allowed) {
  logits = Adjust(logits, history);
  if (!(options_.temperature > 0)) return Greatest(logits, allowed);
  Collect(logits, allowed);
  KeepTopPAndMinP();
  return Draw();
}

std::span<const float> Sampler::Adjust(std::span<const float> logits,
                                       std::span<const TokenId> history) {
  const bool penalises = options_.repeat_penalty != 1.0F || options_.presence_penalty != 0.0F ||
                         options_.frequency_penalty != 0.0F;
  if (!penalises && options_.logit_bias.empty()) return logits;
  adjusted_.resize(logits.size());
  std::ranges::transform(logits, adjusted_.begin(), Number);
  if (penalises) Penalise(history);
  for (const auto& [id, bias] : options_.logit_bias) {
    if (id >= 0 && static_cast<std::size_t>(id) < adjusted_.size()) {
      float& logit = adjusted_[static_cast<std::size_t>(id)];
      logit = Number(logit + bias);
    }
  }
  return adjusted_;
}

void Sampler::Penalise(std::span<const TokenId> history) {
  const std::span window = history.last(std::min(history.size(), kPenaltyWindow));
  for (std::size_t i = 0; i < window.size(); ++i) {
    const TokenId id = window[i];
    const bool first =
        std::ranges::find(window.first(i), id) == window.begin() + static_cast<std::ptrdiff_t>(i);
    if (!first || id < 0 || static_cast<std::size_t>(id) >= adjusted_.size()) continue;
    const auto times = static_cast<float>(std::ranges::count(window, id));
    float& logit = adjusted_[static_cast<std::size_t>(id)];
    logit = logit > 0 ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
    logit -= options_.presence_penalty + times * options_.frequency_penalty;
  }
}

void Sampler::Collect(std::span<const float> logits, std::span<const std::uint64_t> allowed) {
  // Greatest first, equal ones by id: the order, and so the draw, is the same everywhere.
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  std::size_t keep = logits.size();
  if (options_.top_k > 0) keep = std::min(keep, static_cast<std::size_t>(options_.top_k));
  candidates_.clear();
  const auto least = [&] {
    return candidates_.size() == keep ? candidates_.front().logit
                                      : -std::numeric_limits<float>::infinity();
  };
  // A heap of the best so far, the least of them on top: most of a vocabulary costs a comparison.
  ForEachAbove(logits, allowed, least, [&](std::size_t id) {
    if (candidates_.size() == keep) {
      std::ranges::pop_heap(candidates_, before);
      candidates_.pop_back();
    }
    candidates_.push_back({Number(logits[id]), static_cast<TokenId>(id)});
    if (keep < logits.size()) std::ranges::push_heap(candidates_, before);
  });
  if (candidates_.empty()) candidates_.push_back({0, FirstAllowed(allowed)});
  std::ranges::sort(candidates_, before);
}

void Sampler::KeepTopPAndMinP() {
  weights_.clear();
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(std::exp(static_cast<double>(candidate.logit) - candidates_[0].logit));
    total += weights_.back();
  }
  std::size_t keep = candidates_.size();
  if (options_.top_p < 1) {
    double share = 0;
    for (std::size_t i = 0; i < keep; ++i) {
      share += weights_[i] / total;
      if (share >= options_.top_p) keep = i + 1;  // the one that crosses the line stays
    }
  }
  // Weights are relative to the best candidate's already.
  while (keep > 1 && weights_[keep - 1] < options_.min_p) --keep;
  candidates_.resize(keep);
}

TokenId Sampler::Draw() {
  weights_.clear();
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    const double above = static_cast<double>(candidate.logit) - candidates_[0].logit;
    weights_.push_back(std::exp(above / options_.temperature));
    total += weights_.back();
  }
  double left = Uniform(options_.seed, draws_++) * total;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return candidates_[i].id;
  }
  return candidates_.back().id;  // rounding of the sum
}

}  // namespace kinglet
