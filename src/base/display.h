// SPDX-License-Identifier: Apache-2.0
// Text of strangers (documents, models, file names) made safe to show: it cannot move a terminal's
// cursor, end a line early or turn the reading order around.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace kinglet {

enum class Lines {
  kEscape,  // the text is part of a line: line feeds and tabs are escaped too
  kKeep,    // the text is shown as lines: line feeds and tabs stay
};

// Valid UTF-8 stays, but controls (C0, DEL, C1), line and paragraph separators, bidirectional
// controls, the byte order mark and tag characters become \xNN or \u{NNNN}; so does each byte that
// is not UTF-8. A backslash stays as it is.
std::string EscapeForDisplay(std::string_view text, Lines lines = Lines::kEscape);

// Between the tags of HTML or XML: nothing of it is markup, and all else as it was.
std::string EscapeMarkup(std::string_view text);

// For a page: a text node or an attribute's value, with its controls made visible as above.
std::string EscapeForHtml(std::string_view text);

// "name" in double quotes, escaped, for a message; cut after max_bytes with "..." where longer.
std::string Quoted(std::string_view text, std::size_t max_bytes = 80);

}  // namespace kinglet
