// SPDX-License-Identifier: Apache-2.0
// Filters see probabilities at temperature 1, as llama.cpp's users know them: top-k, top-p, min-p,
// then temperature, then the draw.
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

}  // namespace

double LogSumExp(std::span<const float> logits) {
  double top = -std::numeric_limits<double>::infinity();
  for (const float logit : logits) top = std::max<double>(top, logit);
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
  candidates_.reserve(vocab_size);
  weights_.reserve(vocab_size);
}

TokenId Sampler::Choose(std::span<const float> logits, std::span<const TokenId> history) {
  Fill(logits);
  Penalise(history);
  if (!(options_.temperature > 0)) return Best();
  KeepTopK();
  KeepTopPAndMinP();
  return Draw();
}

void Sampler::Fill(std::span<const float> logits) {
  constexpr float kMost = std::numeric_limits<float>::max();
  candidates_.clear();
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const float logit = std::isnan(logits[id]) ? -kMost : std::clamp(logits[id], -kMost, kMost);
    candidates_.push_back({logit, static_cast<TokenId>(id)});
  }
}

void Sampler::Penalise(std::span<const TokenId> history) {
  const bool off = options_.repeat_penalty == 1.0F && options_.presence_penalty == 0.0F &&
                   options_.frequency_penalty == 0.0F;
  if (off) return;
  const std::span window = history.last(std::min(history.size(), kPenaltyWindow));
  for (std::size_t i = 0; i < window.size(); ++i) {
    const TokenId id = window[i];
    const bool first =
        std::ranges::find(window.first(i), id) == window.begin() + static_cast<std::ptrdiff_t>(i);
    if (!first || id < 0 || static_cast<std::size_t>(id) >= candidates_.size()) continue;
    const auto times = static_cast<float>(std::ranges::count(window, id));
    float& logit = candidates_[static_cast<std::size_t>(id)].logit;
    logit = logit > 0 ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
    logit -= options_.presence_penalty + times * options_.frequency_penalty;
  }
}

TokenId Sampler::Best() const {
  return std::ranges::max_element(candidates_, {}, &Candidate::logit)->id;
}

void Sampler::KeepTopK() {
  // Greatest first, equal ones by id: the order, and so the draw, is the same everywhere.
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  std::size_t keep = candidates_.size();
  if (options_.top_k > 0) keep = std::min(keep, static_cast<std::size_t>(options_.top_k));
  std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(keep),
                    candidates_.end(), before);
  candidates_.resize(keep);
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
