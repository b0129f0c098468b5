// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE (GPT-2 and its many heirs): split text into words, merge the bytes of each.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/merge.h"
#include "text/pre_tokenizer.h"
#include "text/text_encoder.h"
#include "text/token_table.h"

namespace kinglet {

class BytePairEncoder final : public TextEncoder {
 public:
  // tokens must outlive the encoder. merges: "left right", best first, in the byte-level spelling;
  // kInvalidInput where one names a token that there is not. unknown stands for bytes without a
  // token; kNoToken: they are dropped.
  static Result<std::unique_ptr<TextEncoder>> Create(const TokenTable& tokens,
                                                     const std::vector<std::string>& merges,
                                                     PreTokenizer pre_tokenizer, TokenId unknown);

  void Encode(std::string_view text, std::vector<TokenId>& ids) const override;

 private:
  BytePairEncoder(const TokenTable& tokens, PreTokenizer pre_tokenizer, TokenId unknown);

  // The tokens of a merge.
  struct NamedMerge {
    TokenId left = kNoToken, right = kNoToken, merged = kNoToken;
  };
  // `both` is scratch.
  Result<NamedMerge> ReadMerge(std::size_t rank, std::string_view merge, std::string& both) const;
  Result<std::vector<NamedMerge>> ReadMerges(const std::vector<std::string>& merges) const;
  Result<void> AddMerges(const std::vector<std::string>& merges);
  Merge Look(TokenId left, TokenId right) const;
  void EncodeValid(std::string_view utf8, SymbolMerger& merger, std::vector<TokenId>& ids) const;
  void EncodeWord(std::string_view word, SymbolMerger& merger, std::vector<TokenId>& ids) const;

  const TokenTable& tokens_;
  PreTokenizer pre_tokenizer_;
  TokenId unknown_;
  std::array<TokenId, 256> byte_tokens_;

  // Open addressing by (left, right): a power of two of slots, at most half of them taken.
  struct Slot {
    TokenId left = kNoToken;
    TokenId right = kNoToken;
    Merge merge;
  };
  std::vector<Slot> slots_;
  std::uint64_t seed_ = 0;

  // Most words of a text are tokens. Whether merging the bytes of a token gives that token is found
  // out when it first comes as a word; threads that race for it find the same.
  enum class Whole : std::uint8_t { kNotTried, kYes, kNo };
  mutable std::vector<std::atomic<Whole>> whole_;  // [vocab_size]
};

}  // namespace kinglet
