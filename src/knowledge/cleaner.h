// SPDX-License-Identifier: Apache-2.0
// Bytes of unknown encoding to clean UTF-8: what the library keeps holds no control characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kinglet {

// Bytes to UTF-8. The encoding is that of the byte order mark, else `declared` (a name as HTML's
// meta gives it; may be empty), else UTF-16 or UTF-32 where zero bytes show it, else UTF-8 where
// the bytes are valid UTF-8, else what their frequencies tell, else windows-1252. A declared
// encoding that nobody knows counts as none. What cannot be decoded is U+FFFD.
std::string DecodeToUtf8(std::string_view bytes, std::string_view declared = {});

// The same text without what must not be kept: control characters (line breaks and tabs stay, CR LF
// becomes LF), soft hyphens, zero-width spaces, bidirectional overrides, byte order marks;
// no-break spaces become spaces; invalid bytes U+FFFD.
std::string CleanText(std::string_view utf8);

// Runs of white space become one space; none at either end.
std::string OneLine(std::string_view text);

// No empty lines at either end, no spaces at ends of lines. Indentation stays.
std::string TrimLines(std::string_view text);

// Cuts to at most max_bytes, never inside a character.
void TruncateUtf8(std::string& text, std::size_t max_bytes);

// Bytes that are written as a mark and two hexadecimal digits: "%20", "=20". What is none stays.
std::string DecodeHexEscapes(std::string_view text, char mark);

// The capitals of ASCII made small, no others.
std::string LowerAscii(std::string_view text);

inline bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

}  // namespace kinglet
