// SPDX-License-Identifier: Apache-2.0
// How many tokens of a text say something: what was said before and what only fills space do not.
// docs/ledger.md has the rules.
#pragma once

#include <span>
#include <string_view>

#include "text/language_model.h"

namespace kinglet {

enum class TextForm {
  kProse,       // repetition is looked for in the whole text
  kStructured,  // JSON, calls: a form repeats itself, so within each of its strings alone
};

// tokens: the bytes of each, in order. A token counts where a byte of it does. No byte counts of
// - a sentence of four words or more whose words were a sentence of the text before,
// - eight words or more in a row that stood in a row before, which loops do from their second
//   round on,
// - 32 bytes or more that go on as the 16 or fewer before them do, over and over,
// - a run of white space or of one punctuation mark, behind its second byte.
// Words are compared without regard to ASCII case; a character of Chinese or Japanese is a word.
int CountUsefulTokens(std::span<const std::string_view> tokens, TextForm form);

// The same of what a model said. stop: the string that ended it, which is none of it; control
// tokens say nothing.
int CountUsefulTokens(const LanguageModel& model, std::span<const TokenId> said,
                      std::string_view stop, TextForm form);

}  // namespace kinglet
