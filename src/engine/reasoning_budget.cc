// SPDX-License-Identifier: Apache-2.0
// Counts the tokens of a thought as the splitter sees it.
#include "engine/reasoning_budget.h"

#include <string>

namespace kinglet {

ReasoningBudget::ReasoningBudget(int tokens, bool begun, const Tokenizer& tokenizer)
    : left_(tokens), splitter_(begun) {
  EncodeOptions options;
  options.parse_special = true;
  const std::string end = "\n" + std::string(kThinkEnd) + "\n\n";
  for (const TokenId token : tokenizer.Encode(end, options)) end_.push_back(token);
}

std::optional<TokenId> ReasoningBudget::Forced() {
  if (splitter_.thinks() && left_ <= 0) forces_ = true;
  if (!forces_ || end_.empty()) return std::nullopt;
  const TokenId token = end_.front();
  end_.pop_front();
  return token;
}

void ReasoningBudget::Saw(std::string_view text) {
  if (splitter_.thinks()) --left_;
  (void)splitter_.Push(text);
}

}  // namespace kinglet
