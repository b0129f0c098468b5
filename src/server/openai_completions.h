// SPDX-License-Identifier: Apache-2.0
// OpenAI's completions: a text, or several, that the model continues as it is; with `echo` and
// logprobs also how likely the prompt itself is, which evaluation harnesses ask for.
#pragma once

#include "server/openai_chat.h"

namespace kinglet {

ApiResult<ParsedGeneration> ParseCompletion(const json::object& body, const std::string& model,
                                            const Engine& engine);

}  // namespace kinglet
