// SPDX-License-Identifier: Apache-2.0
// Anthropic's /v1/messages.
#pragma once

#include "server/openai_chat.h"

namespace kinglet {

ApiResult<ParsedGeneration> ParseAnthropicMessages(const json::object& body,
                                                   const std::string& model, const Engine& engine);

}  // namespace kinglet
