// SPDX-License-Identifier: Apache-2.0
// OpenAI's chat completions: its request read field by field, its answer whole or as a stream.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "server/generation_call.h"
#include "server/generation_fields.h"

namespace kinglet {

// A request that a model can be asked for, and the form of its answer.
struct ParsedGeneration {
  GenerationPlan plan;  // without terms, engine and lease
  GenerationFields fields;
  std::unique_ptr<ReplyFormat> format;
  std::string question;  // what the user said last, for the ledger
};

// body: of /v1/chat/completions, after its model was found.
ApiResult<ParsedGeneration> ParseChatCompletion(const json::object& body, const std::string& model,
                                                const Engine& engine);

// How its answer goes over the wire. of_odds: of the tokens whose odds are told, which outlives it;
// null: none are.
std::unique_ptr<ReplyFormat> MakeChatFormat(std::string model, const Tokenizer* of_odds,
                                            bool include_usage);

// Fields of chat completions that this server does not serve, or that change nothing.
void ReadLimits(JsonFields& fields);

// The requests of `choices` answers to one prompt: seeds that differ.
std::vector<GenerationRequest> SpreadChoices(const GenerationRequest& request, int choices);

// Makes the conversation the request's prompt, unless it has one already, and all choices of it
// what is to be done. Of models that think it sees whether the template has begun a thought.
ApiResult<void> PlanAnswer(const Engine& engine, json::array messages, const ChatOptions& chat,
                           ParsedGeneration& parsed);

}  // namespace kinglet
