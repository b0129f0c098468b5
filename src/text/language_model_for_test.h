// SPDX-License-Identifier: Apache-2.0
// A model that says nothing: tests of what uses one override what they are about.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/language_model.h"

namespace kinglet {

class SilentModel : public LanguageModel {
 public:
  int context_tokens() const override { return 4096; }
  Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage>) const override {
    return std::vector<TokenId>{1};
  }
  std::vector<TokenId> EncodeText(std::string_view text) const override {
    return {static_cast<TokenId>(text.front())};
  }
  std::string_view TokenBytes(TokenId) const override { return {}; }
  std::shared_ptr<const TokenConstraint> SpansOf(std::span<const SpanSource>) const override {
    return nullptr;
  }
  Result<GenerationResult> Generate(const GenerationRequest&, const TextSink&) override {
    return GenerationResult();
  }
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink&) override {
    return std::vector<GenerationResult>(requests.size());
  }
  Result<std::vector<float>> NextTokenLogprobs(std::span<const TokenId>,
                                               std::span<const TokenId> candidates) override {
    return std::vector<float>(candidates.size(), -1);
  }
};

}  // namespace kinglet
