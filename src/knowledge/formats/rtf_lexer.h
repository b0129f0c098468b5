// SPDX-License-Identifier: Apache-2.0
// The tokens of RTF 1.9.1 (Microsoft, 2008): groups, control words and symbols, and bytes of text.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace kinglet {

struct RtfToken {
  enum class Kind {
    kEnd,
    kOpen,    // of a group
    kClose,   // of one
    kWord,    // \word, or \wordN
    kSymbol,  // \ and what is no letter, as "~" of a no-break space
    kBytes,   // of text, in some code page: as they stand, or as \'xx
  };
  Kind kind = Kind::kEnd;
  std::string_view text;  // word, symbol or bytes; valid until the next token
  std::optional<int> number;
};

class RtfLexer {
 public:
  explicit RtfLexer(std::string_view bytes) : left_(bytes) {}

  // Any bytes are tokens: what is cut short ends with the last.
  RtfToken Next();

 private:
  RtfToken Control();
  RtfToken Word();
  RtfToken Take(RtfToken::Kind kind, std::size_t count);

  std::string_view left_;
  char byte_ = 0;  // that a \'xx stands for
};

}  // namespace kinglet
