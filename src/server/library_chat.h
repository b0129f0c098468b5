// SPDX-License-Identifier: Apache-2.0
// Chat completions that a library answers: a client that knows nothing of libraries adds one field
// to its requests, and gets text with marks and the quotes behind it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer/answer.h"
#include "answer/follow_up.h"
#include "base/json.h"
#include "engine/engine.h"
#include "server/api_error.h"
#include "server/generation_fields.h"
#include "server/reply_format.h"

namespace kinglet {

struct LibraryChat {
  std::string question;  // of the last message
  std::vector<Turn> turns;
  std::string library;
  std::optional<double> risk;
  std::string then;  // the larger model of a cascade; empty: none
  std::optional<double> accept;
  GenerationFields fields;
};

// Whether `kinglet.library` is given.
bool NamesLibrary(const json::object& body);

// body: of /v1/chat/completions that names a library. What a library's answer cannot be made by
// (tools, a schema, several choices) is refused; system messages are not part of a question.
// engine: of the model that answers; null: none does.
ApiResult<LibraryChat> ParseLibraryChat(const json::object& body, const Engine* engine);

// A claim with its marks, behind a blank where there is something before it.
std::string ClaimText(const Claim& claim, bool is_first);
// What comes behind the claims, and in mode quote in their place: quotes with where they stand, or
// why there is no answer.
std::string EndText(const Answer& answer);

}  // namespace kinglet
