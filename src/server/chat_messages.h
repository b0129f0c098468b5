// SPDX-License-Identifier: Apache-2.0
// A conversation as clients send it, made into what chat templates read: roles that templates know,
// contents that are one text each.
#pragma once

#include "base/json.h"
#include "server/json_fields.h"

namespace kinglet {

inline constexpr std::size_t kMaxMessages = 4096;

// `messages` of OpenAI's chat completions. Errors go to `fields`, with the path of what is wrong.
json::array ReadMessages(JsonFields& fields);

// A text that may come in parts: {"type": "text", "text": ...}. Fails where a part is none that a
// model of texts can read.
std::string ReadContent(JsonFields& fields, std::string_view name);

}  // namespace kinglet
