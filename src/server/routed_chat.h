// SPDX-License-Identifier: Apache-2.0
// Requests for the model "auto": their intent says what answers them. What a request says itself
// stands; the intent adds the rest.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "answer/intent_settings.h"
#include "base/json.h"
#include "server/api_error.h"

namespace kinglet {

inline constexpr std::size_t kMaxRoutedBytes = 64 << 10;  // of a text that is looked at

// What a router has decided, kept: its files may change meanwhile.
struct RouteTaken {
  std::string text;  // that was looked at
  AskRoute route;
  Intent uses;                             // what answers
  std::optional<IntentEndpoint> endpoint;  // of kHandOver
};

// Whether the model is "auto".
bool AsksForRoute(const json::object& body);

// The text of the last message, which must be the user's.
ApiResult<std::string> TextToRoute(const json::object& body);

// The body of a chat completion that intent.model answers, or the one that is used otherwise, as
// the intent has it; not for kRefuse and kHandOver. schema: of kExtract.
json::object ApplyIntent(json::object body, const Intent& intent, const json::value& schema);

}  // namespace kinglet
