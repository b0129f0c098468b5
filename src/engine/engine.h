// SPDX-License-Identifier: Apache-2.0
// A language model with real weights: one GGUF file, one sequence, and the tokens of the last
// request kept for the next one that begins alike.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/sampler.h"
#include "model/kv_pages.h"
#include "model/model.h"
#include "text/chat_template.h"
#include "text/language_model.h"
#include "text/tokenizer.h"

namespace kinglet {

struct EngineOptions {
  int thread_count = 0;             // 0: one for each CPU that this process may use
  std::size_t context_tokens = 0;   // 0: the model's own, at most kDefaultContextTokens
  bool reuse_prefix = true;         // false: every prompt is computed from its first token
  std::size_t kv_bytes = 0;         // as ModelOptions has it
  bool exact = false;               // as ModelOptions has it
  KvType kv_type = KvType::kF16;    // as ModelOptions has it
  bool count_experts = false;       // as ModelOptions has it
  PackedCacheOptions packed_cache;  // without a folder weights are packed in memory
};

// One caller at a time. All memory is taken by Open.
class Engine : public LanguageModel {
 public:
  // kNotFound, kInvalidInput or kUsage (a context beyond the model's), each naming the file.
  static Result<std::unique_ptr<Engine>> Open(const std::filesystem::path& path,
                                              const EngineOptions& options);

  int context_tokens() const override;
  // kInvalidInput where the file has no chat template, or the template refuses the messages.
  Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage> messages) const override;
  std::vector<TokenId> EncodeText(std::string_view text) const override;
  Result<GenerationResult> Generate(const GenerationRequest& request,
                                    const TextSink& on_text) override;
  Result<std::vector<float>> NextTokenLogprobs(std::span<const TokenId> prompt,
                                               std::span<const TokenId> candidates) override;

  // Text as a prompt of its own: with the BOS token where the model wants one. No control tokens
  // are read in it.
  std::vector<TokenId> EncodePrompt(std::string_view text) const;

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  Model& model() { return *model_; }
  std::size_t kv_bytes() const { return model_->pages().bytes(); }

 private:
  Engine(std::unique_ptr<Model> model, std::unique_ptr<Tokenizer> tokenizer, bool reuse_prefix);
  void ReadChatTemplate();

  // Brings the cache to hold the prompt. Returns how many of its tokens were there already, or
  // nothing when `interrupted` said so.
  Result<std::optional<std::size_t>> Prefill(std::span<const TokenId> prompt,
                                             const std::function<bool()>& interrupted);
  // Appends the tokens of a step to the sequence; the last one has logits where `wants_logits`.
  Result<void> Append(std::span<const TokenId> tokens, bool wants_logits);

  std::unique_ptr<Model> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<Result<ChatTemplate>> chat_template_;  // nothing: the file has none
  std::string bos_name_, eos_name_;                    // as templates ask for them
  KvSequence cache_;
  std::vector<TokenId> sequence_;  // what the cache holds
  std::size_t last_step_ = 0;      // tokens of the last step, of which the last has the logits
  bool reuse_prefix_;
};

}  // namespace kinglet
