// SPDX-License-Identifier: Apache-2.0
// Small grammars of plain text: one of a list, a regular expression, a piece of given texts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "grammar/grammar.h"

namespace kinglet {

// One of the texts. kInvalidInput where there is none.
Result<Grammar> ChoiceGrammar(std::span<const std::string> texts);

// What the pattern (pattern.h) matches as a whole.
Result<Grammar> PatternGrammar(std::string_view pattern);

// Any run of whole words of one of the texts, byte for byte as it stands there; words are what
// blanks part. At most 4,000 words in all. For quotes: what follows this grammar is verbatim.
Result<Grammar> QuoteGrammar(std::span<const std::string_view> texts);

}  // namespace kinglet
