// SPDX-License-Identifier: Apache-2.0
// Where sentences begin and end, by ICU's rules (UAX #29) mended for abbreviations and line breaks.
#pragma once

#include <string_view>
#include <vector>

#include "base/byte_range.h"

namespace kinglet {

// The sentences of a UTF-8 text, in order, without the white space around them. A blank line and a
// line that begins a list item ("- ", "* ", "1. ") end a sentence too; a single line break does
// not. The marks of list items belong to no sentence; every other byte that is not white space
// belongs to one.
std::vector<ByteRange> SplitSentences(std::string_view utf8);

}  // namespace kinglet
