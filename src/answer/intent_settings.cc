// SPDX-License-Identifier: Apache-2.0
// Field by field; nothing is looked up.
#include "answer/intent_settings.h"

#include <utility>

#include "base/display.h"

namespace kinglet {
namespace {

template <typename T>
void TakeUnlessSaid(std::optional<T>& said, const std::optional<T>& other) {
  if (!said) said = other;
}
void TakeUnlessSaid(std::string& said, const std::string& other) {
  if (said.empty()) said = other;
}

template <typename From, typename To>
void Set(const std::optional<From>& from, To& to) {
  if (from) to = static_cast<To>(*from);
}

}  // namespace

AskRoute RouteOf(const Decision& decision) {
  AskRoute route{.confidence = decision.confidence};
  if (decision.intent != nullptr) route.intent = decision.intent->name;
  return route;
}

Result<AskSettings> WithIntent(AskSettings said, const Intent& intent) {
  switch (intent.mode) {
    case IntentMode::kQuote:
    case IntentMode::kCite:
    case IntentMode::kChat:
      TakeUnlessSaid(said.mode, std::optional(AskModeOf(NameOf(intent.mode))));
      break;
    default:
      return Error(StatusCode::kUsage,
                   "no library answers questions of the intent {}: its mode is {}; chat "
                   "completions of a server with --intents follow it, for the model \"auto\"",
                   Quoted(intent.name), NameOf(intent.mode));
  }
  TakeUnlessSaid(said.model, intent.model);
  TakeUnlessSaid(said.library, intent.library);
  // What a model's confidence decides goes with a model, which quotes can do without.
  if (said.mode != AskMode::kQuote || !said.model.empty()) {
    TakeUnlessSaid(said.then, intent.then);
    TakeUnlessSaid(said.accept, intent.accept);
    TakeUnlessSaid(said.risk, intent.risk);
  }
  TakeUnlessSaid(said.first_byte_budget_ms, intent.first_byte_budget_ms);
  IntentSampling& sampling = said.sampling;
  const IntentSampling& other = intent.sampling;
  TakeUnlessSaid(sampling.temperature, other.temperature);
  TakeUnlessSaid(sampling.top_p, other.top_p);
  TakeUnlessSaid(sampling.min_p, other.min_p);
  TakeUnlessSaid(sampling.top_k, other.top_k);
  TakeUnlessSaid(sampling.max_tokens, other.max_tokens);
  TakeUnlessSaid(sampling.seed, other.seed);
  return said;
}

void ApplySampling(const IntentSampling& sampling, AskOptions& options) {
  Set(sampling.temperature, options.sampling.temperature);
  Set(sampling.top_p, options.sampling.top_p);
  Set(sampling.min_p, options.sampling.min_p);
  Set(sampling.top_k, options.sampling.top_k);
  Set(sampling.seed, options.sampling.seed);
  Set(sampling.max_tokens, options.max_tokens);
}

Answer RefusalOf(std::string_view question, const Intent& intent, const AskRoute& route) {
  Answer answer{.question = std::string(question),
                .mode = AskMode::kRefuse,
                .abstained = AbstainReason::kRefused,
                .message = intent.message};
  answer.route = route;
  return answer;
}

}  // namespace kinglet
