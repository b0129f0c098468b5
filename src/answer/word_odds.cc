// SPDX-License-Identifier: Apache-2.0
// A word has several spellings, and each its first token.
#include "answer/word_odds.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kinglet {
namespace {

constexpr std::array<std::string_view, 4> kYes = {"Yes", "yes", " Yes", "YES"};
constexpr std::array<std::string_view, 4> kNo = {"No", "no", " No", "NO"};

// The first tokens of the texts, each once.
std::vector<TokenId> FirstTokens(const LanguageModel& model,
                                 std::span<const std::string_view> texts) {
  std::vector<TokenId> tokens;
  for (const std::string_view text : texts) {
    const std::vector<TokenId> encoded = model.EncodeText(text);
    if (!encoded.empty() && std::ranges::count(tokens, encoded.front()) == 0)
      tokens.push_back(encoded.front());
  }
  return tokens;
}

// The logarithm of the sum of what these are the logarithms of.
double LogSum(std::span<const float> logs) {
  double sum = 0;
  for (const float log : logs) sum += std::exp(static_cast<double>(log));
  constexpr double kLeast = 1e-30;  // rather than the logarithm of nothing
  return std::log(std::max(sum, kLeast));
}

}  // namespace

YesOrNo::YesOrNo(const LanguageModel& model) : candidates_(FirstTokens(model, kYes)) {
  yes_count_ = candidates_.size();
  const std::vector<TokenId> no = FirstTokens(model, kNo);
  candidates_.insert(candidates_.end(), no.begin(), no.end());
}

double YesOrNo::LogOdds(std::span<const float> logprobs) const {
  return LogSum(logprobs.first(yes_count_)) - LogSum(logprobs.subspan(yes_count_));
}

}  // namespace kinglet
