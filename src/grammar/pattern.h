// SPDX-License-Identifier: Apache-2.0
// Regular expressions as people write them (ECMA-262, with the "u" flag's code points), compiled to
// the language that they describe. Look-ahead is part of it where it stands outside of repetitions;
// back references, look-behind and word boundaries are refused.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "grammar/code_points.h"
#include "grammar/regex.h"

namespace kinglet {

// The texts that match as a whole, in UTF-8.
Result<RegexId> CompilePattern(RegexPool& pool, std::string_view pattern);

// The JSON strings, quotes included, in whose content the pattern is found (JSON Schema's
// "pattern").
Result<RegexId> CompileStringPattern(RegexPool& pool, std::string_view pattern);

}  // namespace kinglet
