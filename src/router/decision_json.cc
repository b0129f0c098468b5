// SPDX-License-Identifier: Apache-2.0
// A decision as JSON; what is not settled is null.
#include <cmath>

#include "base/display.h"
#include "router/router.h"

namespace kinglet {
namespace {

json::value NameOrNull(const Intent* intent) {
  return intent == nullptr ? json::value() : json::value(intent->name);
}

json::object SamplingJson(const IntentSampling& sampling) {
  json::object out;
  const auto add = [&out](const char* name, const auto& number) {
    if (number) out[name] = *number;
  };
  add("temperature", sampling.temperature);
  add("top_p", sampling.top_p);
  add("min_p", sampling.min_p);
  add("top_k", sampling.top_k);
  add("max_tokens", sampling.max_tokens);
  add("seed", sampling.seed);
  return out;
}

// Of the endpoint the name alone: a client has no business with its address and key.
json::value UsesJson(const Intent* intent) {
  if (intent == nullptr) return nullptr;
  return json::object{{"intent", intent->name},
                      {"mode", NameOf(intent->mode)},
                      {"model", OrNull(intent->model)},
                      {"library", OrNull(intent->library)},
                      {"schema", OrNull(std::filesystem::path(intent->schema).filename().string())},
                      {"tool", OrNull(intent->tool)},
                      {"message", OrNull(intent->message)},
                      {"endpoint", OrNull(intent->endpoint)},
                      {"sampling", SamplingJson(intent->sampling)},
                      {"first_byte_budget_ms", OrNull(intent->first_byte_budget_ms)},
                      {"risk", OrNull(intent->risk)},
                      {"then", OrNull(intent->then)},
                      {"accept", OrNull(intent->accept)}};
}

json::object EvidenceJson(const Evidence& evidence) {
  json::array words;
  for (const auto& [word, weight] : evidence.words) {
    words.push_back(json::object{{"word", word}, {"weight", weight}});
  }
  return {{"words", std::move(words)},
          {"signals", json::object{{"words", evidence.by_words},
                                   {"meaning", evidence.by_meaning},
                                   {"constant", evidence.constant}}}};
}

}  // namespace

json::object ToJson(std::string_view text, const Decision& decision, const Evidence* evidence) {
  json::array alternatives;
  for (const auto& [intent, confidence] : decision.alternatives) {
    alternatives.push_back(json::object{{"intent", intent->name}, {"confidence", confidence}});
  }
  json::object out = {{"text", text},
                      {"intent", NameOrNull(decision.intent)},
                      {"confidence", decision.confidence},
                      {"out_of_scope", decision.intent == nullptr},
                      {"scope_score", decision.scope_score},
                      {"threshold", decision.threshold},
                      {"uses", UsesJson(decision.uses)},
                      {"alternatives", std::move(alternatives)}};
  if (evidence != nullptr) out["why"] = EvidenceJson(*evidence);
  return out;
}

}  // namespace kinglet
