// SPDX-License-Identifier: Apache-2.0
// A template's source as tokens, white space around tags already trimmed as chat templates expect.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet::jinja {

enum class TokenType : std::uint8_t {
  kData,           // text between tags
  kVariableBegin,  // {{
  kVariableEnd,    // }}
  kBlockBegin,     // {%
  kBlockEnd,       // %}
  kName,
  kString,  // without quotes, escapes read
  kInteger,
  kFloat,
  kOperator,
  kEnd,  // always the last one
};

struct Token {
  TokenType type = TokenType::kEnd;
  int line = 1;
  std::string text;
};

// Templates are read with trim_blocks (the newline after a tag goes), lstrip_blocks (the blanks
// before a tag that starts a line go) and without the source's last newline: this is how model
// makers write them. kInvalidInput, "line N: ...", for what is no Jinja.
Result<std::vector<Token>> Tokenize(std::string_view source);

}  // namespace kinglet::jinja
