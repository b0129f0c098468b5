// SPDX-License-Identifier: Apache-2.0
// Conversations and texts to tokens, as one model wants them: its tokenizer and its chat template.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "tensor/gguf.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace kinglet {

// What a conversation has beside its messages; names as chat templates have them.
struct ChatOptions {
  json::array tools;             // as OpenAI's API has them
  json::object template_fields;  // chat_template_kwargs: what else the template sees
  bool add_generation_prompt = true;
};

// Immutable once made: any thread may use it.
class PromptEncoder {
 public:
  // file must outlive this.
  PromptEncoder(const GgufFile& file, std::unique_ptr<Tokenizer> tokenizer);

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  bool has_chat_template() const { return template_.has_value(); }
  std::string_view template_source() const { return template_source_; }  // empty: there is none
  // Whether the template speaks of a field: a client that sets one that it does not would be
  // ignored.
  bool TemplateReads(std::string_view field) const {
    return template_source_.find(field) != std::string_view::npos;
  }

  // messages: objects with role and content, and what else the template reads. Contents can never
  // become control tokens. A system message goes before the user's first where the template refuses
  // one, as Gemma 2's and Mistral 7B's do. kInvalidInput where the file has no chat template, or
  // the template refuses the messages.
  Result<std::vector<TokenId>> EncodeMessages(json::array messages,
                                              const ChatOptions& options = {}) const;
  // Text as a prompt of its own: with the BOS token where the model wants one. No control tokens
  // are read in it.
  std::vector<TokenId> EncodePrompt(std::string_view text) const;

 private:
  Result<RenderedPrompt> Render(const ChatTemplate& chat, json::array messages,
                                const ChatOptions& options) const;
  bool RefusesSystem(const ChatTemplate& chat) const;

  std::unique_ptr<Tokenizer> tokenizer_;
  std::string_view template_source_;              // of the file, which outlives this
  std::optional<Result<ChatTemplate>> template_;  // nothing: the file has none
  std::string bos_name_, eos_name_;               // as templates ask for them
  bool refuses_system_ = false;                   // the template does
};

}  // namespace kinglet
