// SPDX-License-Identifier: Apache-2.0
// How likely a model's answer is to begin with given words: in place of the answer.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "text/language_model.h"

namespace kinglet {

// What a request for Yes or No is told by.
class YesOrNo {
 public:
  YesOrNo() = default;
  explicit YesOrNo(const LanguageModel& model);

  const std::vector<TokenId>& candidates() const { return candidates_; }  // of the request
  // Natural logarithm of the odds of Yes. logprobs: of the candidates.
  double LogOdds(std::span<const float> logprobs) const;

 private:
  std::vector<TokenId> candidates_;
  std::size_t yes_count_ = 0;  // the first of them
};

}  // namespace kinglet
