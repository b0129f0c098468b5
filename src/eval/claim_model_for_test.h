// SPDX-License-Identifier: Apache-2.0
// A model that is asked for Yes or No, and says Yes of what it is told to.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/language_model_for_test.h"

namespace kinglet {

class ClaimModel : public SilentModel {
 public:
  Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage> messages) const override {
    prompts.push_back(messages.back().content);
    return std::vector<TokenId>{static_cast<TokenId>(prompts.size() - 1)};
  }
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink&) override {
    std::vector<GenerationResult> results;
    for (const GenerationRequest& request : requests) {
      const std::string& prompt = prompts[static_cast<std::size_t>(request.prompt.front())];
      const bool says_yes = prompt.find(says_yes_to) != std::string::npos;
      GenerationResult& result = results.emplace_back();
      for (const TokenId candidate : request.candidates) {
        const bool is_yes = candidate == 'Y' || candidate == 'y';
        result.candidate_logprobs.push_back(is_yes == says_yes ? -1.0F : -4.0F);
      }
    }
    return results;
  }

  std::string says_yes_to;                   // what the prompt holds
  mutable std::vector<std::string> prompts;  // it was given
};

}  // namespace kinglet
