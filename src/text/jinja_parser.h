// SPDX-License-Identifier: Apache-2.0
// Tokens of a template to its tree.
#pragma once

#include <string_view>

#include "base/status.h"
#include "text/jinja_syntax.h"

namespace kinglet::jinja {

// kInvalidInput, "line N: ...", for what is no template; nesting and size are bounded.
Result<Program> ParseProgram(std::string_view source);

}  // namespace kinglet::jinja
