// SPDX-License-Identifier: Apache-2.0
// Which language a text is in, by its script, or by the words that every text of a language has.
#pragma once

#include <string_view>

namespace kinglet {

// A code of ISO 639-1: "en", "zh". Empty: too little text, or none of the 34 that are told apart.
// Of a text in several languages the one that it has most of. Looks at 4 KiB spread over the text.
std::string_view LanguageOf(std::string_view utf8);

}  // namespace kinglet
