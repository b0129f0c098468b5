// SPDX-License-Identifier: Apache-2.0
// What each kind of tokenizer does with the text between special tokens.
#pragma once

#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace kinglet {

// Immutable: any thread may use it.
class TextEncoder {
 public:
  virtual ~TextEncoder() = default;

  // Appends the tokens of a stretch of text, from its start or a special token on to the next.
  virtual void Encode(std::string_view text, std::vector<TokenId>& ids) const = 0;
};

}  // namespace kinglet
