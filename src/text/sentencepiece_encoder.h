// SPDX-License-Identifier: Apache-2.0
// SentencePiece BPE (Llama 2, Gemma, Phi-3): merge the characters of a text by the scores of what
// they make; characters without a token become bytes.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/merge.h"
#include "text/text_encoder.h"
#include "text/token_table.h"

namespace kinglet {

class SentencePieceEncoder final : public TextEncoder {
 public:
  // tokens must outlive the encoder. scores: one a token, none of them NaN. unknown stands for
  // characters that have neither token nor bytes; kNoToken: they are dropped.
  static Result<std::unique_ptr<TextEncoder>> Create(const TokenTable& tokens,
                                                     const std::vector<float>& scores,
                                                     bool space_prefix, TokenId unknown);

  void Encode(std::string_view text, std::vector<TokenId>& ids) const override;

 private:
  SentencePieceEncoder(const TokenTable& tokens, const std::vector<float>& scores,
                       bool space_prefix, TokenId unknown);

  void EncodeWord(std::string_view word, SymbolMerger& merger, std::vector<TokenId>& ids) const;
  void AppendSymbol(std::string_view bytes, TokenId id, std::vector<TokenId>& ids) const;

  const TokenTable& tokens_;
  std::vector<std::uint32_t> ranks_;  // [vocab_size]: the higher the score, the lower
  bool space_prefix_;
  TokenId unknown_;
  // A space after this byte may be inside a token. Elsewhere a space starts a word of its own, and
  // no merge reaches across; hardly any vocabulary has such tokens.
  std::array<bool, 256> joins_space_{};

  // As in BytePairEncoder: whether merging the characters of a token gives that token.
  enum class Whole : std::uint8_t { kNotTried, kYes, kNo };
  mutable std::vector<std::atomic<Whole>> whole_;  // [vocab_size]
};

}  // namespace kinglet
