// SPDX-License-Identifier: Apache-2.0
// WordPiece as uncased BERT has it: words without case and accents, each cut into the longest
// tokens that fit from its start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/text_encoder.h"
#include "text/token_table.h"

namespace kinglet {

class WordPieceEncoder final : public TextEncoder {
 public:
  // tokens must outlive the encoder; words in it start with a space, what continues them does not.
  // unknown stands for words that cannot be cut; kNoToken: they are dropped.
  WordPieceEncoder(const TokenTable& tokens, TokenId unknown)
      : tokens_(tokens), unknown_(unknown) {}

  void Encode(std::string_view text, std::vector<TokenId>& ids) const override;

 private:
  // word: with a space in front, of so many characters without it.
  void EncodeWord(std::string_view word, std::size_t characters, std::vector<TokenId>& ids) const;

  const TokenTable& tokens_;
  TokenId unknown_;
};

}  // namespace kinglet
