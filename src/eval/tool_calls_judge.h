// SPDX-License-Identifier: Apache-2.0
// Whether calls of functions are the ones that were expected, by the rule of the Berkeley Function
// Calling Leaderboard's AST checker for Python's functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace kinglet {

struct MadeCall {
  std::string name;  // as it was sent: dots of the function's name are underscores
  json::object arguments;
};

// As it goes over OpenAI's API, whose names have no dots.
std::string SentName(std::string_view function_name);

// Why the calls are not right; empty: they are. functions: {"name", "parameters"} in BFCL's types;
// expected: for each call {"name": {"argument": [values that are right, "" where it may be left
// out]}}. Nothing expected: there must be no call. Several may come in any order.
std::string Fault(const json::array& functions, const json::array& expected,
                  const std::vector<MadeCall>& calls);

}  // namespace kinglet
