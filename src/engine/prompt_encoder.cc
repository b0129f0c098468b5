// SPDX-License-Identifier: Apache-2.0
// Render, then tokenise what came out, with all that is data held literal.
#include "engine/prompt_encoder.h"

#include <utility>

namespace kinglet {
namespace {

json::object Turn(std::string_view role, std::string_view content) {
  return {{"role", role}, {"content", content}};
}

// The text of a message of that role, if it is one text.
json::string* TextIn(json::value& message, const char* role) {
  json::object* const fields = message.if_object();
  if (fields == nullptr) return nullptr;
  const json::value* const its = fields->if_contains("role");
  json::value* const content = fields->if_contains("content");
  if (its == nullptr || *its != role || content == nullptr) return nullptr;
  return content->if_string();
}

void PutSystemBeforeUser(json::array& messages) {
  if (messages.size() < 2) return;
  const json::string* const system = TextIn(messages[0], "system");
  json::string* const user = TextIn(messages[1], "user");
  if (system == nullptr || user == nullptr) return;
  user->insert(0, std::string(*system) + "\n\n");
  messages.erase(messages.begin());
}

}  // namespace

PromptEncoder::PromptEncoder(const GgufFile& file, std::unique_ptr<Tokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)) {
  const auto name = [this](std::optional<TokenId> id) {
    return id ? std::string(tokenizer_->TokenBytes(*id, ControlTokens::kShow)) : std::string();
  };
  bos_name_ = name(tokenizer_->bos());
  eos_name_ = name(tokenizer_->eos());
  // One that cannot be read hinders chats alone, so it is no reason to refuse the file.
  const GgufValue* source = file.Find("tokenizer.chat_template");
  const auto text = source == nullptr ? std::nullopt : source->As<std::string_view>();
  if (!text) return;
  template_source_ = *text;
  template_ = ChatTemplate::Parse(*text);
  refuses_system_ = template_->has_value() && RefusesSystem(**template_);
}

bool PromptEncoder::RefusesSystem(const ChatTemplate& chat) const {
  const json::object system = Turn("system", "Be brief."), user = Turn("user", "Hello.");
  return Render(chat, {user}, {}) && !Render(chat, {system, user}, {});
}

Result<RenderedPrompt> PromptEncoder::Render(const ChatTemplate& chat, json::array messages,
                                             const ChatOptions& options) const {
  json::object context = options.template_fields;
  context["messages"] = std::move(messages);
  context["add_generation_prompt"] = options.add_generation_prompt;
  context["bos_token"] = bos_name_;
  context["eos_token"] = eos_name_;
  if (!options.tools.empty()) context["tools"] = options.tools;
  return chat.Render(context);
}

Result<std::vector<TokenId>> PromptEncoder::EncodeMessages(json::array messages,
                                                           const ChatOptions& options) const {
  if (!template_) {
    return Error(StatusCode::kInvalidInput,
                 "the model has no chat template; it can only continue a text");
  }
  if (!*template_) return std::unexpected(template_->error());
  if (refuses_system_) PutSystemBeforeUser(messages);
  const RenderedPrompt prompt = TRY(Render(**template_, std::move(messages), options));
  EncodeOptions encode;
  encode.parse_special = true;
  encode.literal = prompt.literal;
  std::vector<TokenId> tokens = tokenizer_->Encode(prompt.text, encode);
  // Most templates write the BOS token themselves; the others leave it to the vocabulary.
  const std::vector<TokenId> wanted = EncodePrompt("");
  if (!wanted.empty() && (tokens.empty() || tokens[0] != wanted[0])) {
    tokens.insert(tokens.begin(), wanted[0]);
  }
  return tokens;
}

std::vector<TokenId> PromptEncoder::EncodePrompt(std::string_view text) const {
  EncodeOptions options;
  options.add_special = true;
  std::vector<TokenId> tokens = tokenizer_->Encode(text, options);
  // An EOS that the vocabulary wants after a text would end the answer before it begins.
  if (!tokens.empty() && tokens.size() > 1 && tokens.back() == tokenizer_->eos()) tokens.pop_back();
  return tokens;
}

}  // namespace kinglet
