// SPDX-License-Identifier: Apache-2.0
// GBNF, the notation of grammars that llama.cpp's users have (its grammars/README.md): rules of
// literals, character classes, groups and repetitions, the first to be matched being "root".
#pragma once

#include <string_view>

#include "base/status.h"
#include "grammar/grammar.h"

namespace kinglet {

// Finished. kInvalidInput names the line.
Result<Grammar> ParseGbnf(std::string_view text);

}  // namespace kinglet
