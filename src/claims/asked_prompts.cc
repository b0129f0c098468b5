// SPDX-License-Identifier: Apache-2.0
// As many at once as questions are asked at once, so that their costs can be held against each
// other.
#include "claims/asked_prompts.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/digest.h"
#include "claims/asked_questions.h"
#include "grammar/json_schema.h"

namespace kinglet {
namespace {

Result<GenerationRequest> RequestOf(const Engine& engine, const ClaimPrompt& prompt) {
  GenerationRequest request{.prompt = TRY(engine.EncodeChat(prompt.messages)),
                            .max_tokens = prompt.max_tokens};
  const auto& schema = prompt.schema;
  if (schema) {
    request.constraint =
        TRY(engine.grammars().Get(ToJson(*schema), [&] { return CompileJsonSchema(*schema); }));
  }
  return request;
}

std::string DigestOfPrompts(std::span<const ClaimPrompt> prompts) {
  json::array all;
  for (const ClaimPrompt& prompt : prompts) {
    json::array messages;
    for (const ChatMessage& message : prompt.messages) {
      messages.push_back(json::array{message.role, message.content});
    }
    all.push_back(json::array{std::move(messages), OrNull(prompt.schema), prompt.max_tokens});
  }
  return Sha256::HexOf(ToJson(all));
}

Result<json::value> Compute(const ClaimSetup& setup, Part model, std::string_view what,
                            std::span<const ClaimPrompt> prompts) {
  const auto engine = TRY(OpenToAsk(setup, model));
  MachineMeter meter(setup.power);
  const std::size_t at_once = GroundingOptions().at_once;
  json::array replies;
  while (replies.size() < prompts.size()) {
    TRY(setup.progress(what, replies.size(), prompts.size()));
    const auto some = prompts.subspan(replies.size());
    std::vector<GenerationRequest> requests;
    MachineMeter::Share share = meter.Begin();
    for (const ClaimPrompt& prompt : some.first(std::min(at_once, some.size()))) {
      requests.push_back(TRY(RequestOf(*engine, prompt)));
    }
    const std::vector<GenerationResult> results = TRY(engine->GenerateAll(requests, nullptr));
    LedgerLine bill;
    share.End(bill);
    const auto count = static_cast<double>(results.size());
    for (const GenerationResult& result : results) {
      replies.push_back(json::object{{"text", result.text},
                                     {"machine_ms", bill.machine_ms / count},
                                     {"joules", bill.joules.value_or(0) / count},
                                     {"computed_tokens", ComputedTokens(result)}});
    }
  }
  TRY(setup.progress(what, prompts.size(), prompts.size()));
  return replies;
}

}  // namespace

Result<std::vector<ClaimReply>> AskPrompts(const ClaimSetup& setup, Part model,
                                           std::string_view name,
                                           std::span<const ClaimPrompt> prompts) {
  const std::string what = fmt::format("{} {}", setup.name(model), name);
  const json::object key = {{"model", TRY(DigestOf(setup, model))},
                            {"prompts", DigestOfPrompts(prompts)},
                            {"threads", setup.thread_count},
                            {"idle_watts", setup.power.idle_watts},
                            {"active_watts", setup.power.active_watts}};
  const json::value found = TRY(Kept(setup, fmt::format("{}-{}", setup.name(model), name), key,
                                     [&] { return Compute(setup, model, what, prompts); }));
  std::vector<ClaimReply> replies;
  for (const json::value& reply : found.as_array()) {
    const json::object& fields = reply.as_object();
    replies.push_back({.text = std::string(fields.at("text").as_string()),
                       .cost = {.machine_ms = fields.at("machine_ms").to_number<double>(),
                                .joules = fields.at("joules").to_number<double>(),
                                .computed_tokens = fields.at("computed_tokens").to_number<int>()}});
  }
  return replies;
}

}  // namespace kinglet
