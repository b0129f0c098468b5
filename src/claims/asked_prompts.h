// SPDX-License-Identifier: Apache-2.0
// Prompts of an experiment's own, a model's replies to them, and what each took of the machine.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "claims/setup.h"
#include "eval/grounding.h"
#include "text/language_model.h"

namespace kinglet {

struct ClaimPrompt {
  std::vector<ChatMessage> messages;
  std::optional<json::value> schema;  // that the reply is held to
  int max_tokens = 0;
};

struct ClaimReply {
  std::string text;
  AnswerCost cost;
};

// One each, in their order. name: of these prompts, for the work folder and for the user.
Result<std::vector<ClaimReply>> AskPrompts(const ClaimSetup& setup, Part model,
                                           std::string_view name,
                                           std::span<const ClaimPrompt> prompts);

}  // namespace kinglet
