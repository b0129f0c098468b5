// SPDX-License-Identifier: Apache-2.0
// A question to a library as its intent has it: what whoever asks leaves unsaid, the intent says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "answer/answerer.h"
#include "router/router.h"

namespace kinglet {

// The model of whoever leaves the choice to the router.
inline constexpr std::string_view kAutoModel = "auto";

AskRoute RouteOf(const Decision& decision);

// What may be said of a question beside its words; unset or empty: it is not said.
struct AskSettings {
  std::optional<AskMode> mode;
  std::string model, library;
  std::optional<double> risk, first_byte_budget_ms;
  IntentSampling sampling;
};

// Not for kRefuse. kUsage, with another way to ask, where no library answers in the intent's mode.
Result<AskSettings> WithIntent(AskSettings said, const Intent& intent);

// The numbers that are set.
void ApplySampling(const IntentSampling& sampling, AskOptions& options);

// The answer to a question of an intent of kRefuse: its message.
Answer RefusalOf(std::string_view question, const Intent& intent, const AskRoute& route);

}  // namespace kinglet
