// SPDX-License-Identifier: Apache-2.0
// Text of strangers (documents, models, file names) made safe to show: it cannot move a terminal's
// cursor, end a line early or turn the reading order around.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kinglet {

// One character at the start of text: its code point and its length. Where the bytes are no UTF-8
// (overlong forms and surrogates are none), valid is false and bytes is 1. text must not be empty.
struct Utf8Character {
  char32_t code_point = 0;
  std::size_t bytes = 1;
  bool valid = false;
};
Utf8Character FirstUtf8Character(std::string_view text);

bool IsUtf8(std::string_view text);

enum class Lines {
  kEscape,  // the text is part of a line: line feeds and tabs are escaped too
  kKeep,    // the text is shown as lines: line feeds and tabs stay
};

// Valid UTF-8 stays, but controls (C0, DEL, C1), line and paragraph separators, bidirectional
// controls, the byte order mark and tag characters become \xNN or \u{NNNN}; so does each byte that
// is not UTF-8. A backslash stays as it is.
std::string EscapeForDisplay(std::string_view text, Lines lines = Lines::kEscape);

// "name" in double quotes, escaped, for a message; cut after max_bytes with "..." where longer.
std::string Quoted(std::string_view text, std::size_t max_bytes = 80);

}  // namespace kinglet
