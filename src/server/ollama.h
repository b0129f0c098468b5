// SPDX-License-Identifier: Apache-2.0
// Ollama's /api/chat and /api/generate, for clients that know nothing else: lines of JSON.
#pragma once

#include "server/openai_chat.h"

namespace kinglet {

ApiResult<ParsedGeneration> ParseOllamaChat(const json::object& body, const std::string& model,
                                            const Engine& engine);
ApiResult<ParsedGeneration> ParseOllamaGenerate(const json::object& body, const std::string& model,
                                                const Engine& engine);

}  // namespace kinglet
