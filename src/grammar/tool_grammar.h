// SPDX-License-Identifier: Apache-2.0
// The answers of a model that has tools: text, calls, or both, in the notation that it was taught
// (text/tool_calls.h). Each call is of a known tool, and its arguments satisfy the tool's schema.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <boost/json/value.hpp>

#include "base/status.h"
#include "grammar/grammar.h"
#include "text/tool_calls.h"

namespace kinglet {

struct ToolSpec {
  std::string name;
  boost::json::value parameters;  // a JSON Schema; null or {}: the tool has none
  // Where it does not hold, a schema that cannot be enforced is replaced by "any object".
  bool strict = true;
};

struct ToolChoice {
  enum class Kind : std::uint8_t {
    kNone,      // text alone
    kAuto,      // text, calls, or text and then calls
    kRequired,  // calls alone
    kNamed,     // calls of one tool alone
  };
  Kind kind = Kind::kAuto;
  std::string name;  // of kNamed
};

// Finished: texts in which ToolCallSplitter finds just the calls that the grammar let through. Text
// holds no marker and may be of any bytes, so where calls may come, no other text looks like one.
// has_many: there may be more than one call. kInvalidInput where a name is none (IsToolName), twice
// there or unknown, where there is no tool to be called, and with the tool's name, and the place in
// its schema, where that cannot be enforced or allows no object.
Result<Grammar> ToolGrammar(std::span<const ToolSpec> tools, ToolFormat format,
                            const ToolChoice& choice, bool has_many);

}  // namespace kinglet
