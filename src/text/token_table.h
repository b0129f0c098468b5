// SPDX-License-Identifier: Apache-2.0
// The tokens of a vocabulary as the bytes they stand for, and the way back from bytes to a token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/vocabulary.h"

namespace kinglet {

inline constexpr TokenId kNoToken = -1;

// How a vocabulary file writes bytes as text.
enum class TokenSpelling {
  kByteLevel,         // each byte is one of 256 printable characters (GPT-2)
  kSpaceMark,         // U+2581 is a space, and "<0x0A>" of kind kByte a byte (SentencePiece)
  kContinuationMark,  // what has no "##" in front starts a word, and gets a space (BERT)
};

class TokenTable {
 public:
  // kInvalidInput where the arrays of the vocabulary differ in length or are too long.
  static Result<TokenTable> Create(const Vocabulary& vocabulary, TokenSpelling spelling);

  TokenId size() const { return static_cast<TokenId>(kinds_.size()); }
  bool Contains(TokenId id) const { return id >= 0 && id < size(); }
  TokenKind kind(TokenId id) const { return kinds_[static_cast<std::size_t>(id)]; }
  // Control, unknown and user-defined tokens, and what is not in this spelling, stand for their own
  // names.
  std::string_view bytes(TokenId id) const {
    const auto at = static_cast<std::size_t>(id);
    return std::string_view(arena_).substr(ends_[at], ends_[at + 1] - ends_[at]);
  }

  // Whether text may be read as this token: neither control nor unknown.
  bool IsText(TokenId id) const {
    return kind(id) != TokenKind::kControl && kind(id) != TokenKind::kUnknown;
  }

  // The token with these bytes, or kNoToken. Where many have the same, the one that is text, then
  // the first. Never a token of kind kByte: see byte_token.
  TokenId Find(std::string_view bytes) const;
  TokenId FindText(std::string_view bytes) const {
    const TokenId id = Find(bytes);
    return id != kNoToken && IsText(id) ? id : kNoToken;
  }
  // The token of kind kByte for a byte, or kNoToken.
  TokenId byte_token(unsigned char byte) const { return byte_tokens_[byte]; }

  std::size_t longest_bytes() const { return longest_bytes_; }

 private:
  TokenTable() = default;
  void BuildIndex();

  std::string arena_;                // the bytes of all tokens
  std::vector<std::uint32_t> ends_;  // [size + 1]: token i is arena_[ends_[i], ends_[i + 1])
  std::vector<TokenKind> kinds_;     // [size]
  std::size_t longest_bytes_ = 0;
  std::vector<TokenId> byte_tokens_;  // [256]

  // Open addressing: a power of two of slots, at most half of them taken.
  struct Slot {
    std::uint32_t hash = 0;
    TokenId id = kNoToken;
  };
  std::vector<Slot> slots_;
  std::uint64_t seed_ = 0;
};

// The bytes that a byte-level token's name spells, or nothing where it holds any other character.
bool AppendByteLevel(std::string_view name, std::string& bytes);

}  // namespace kinglet
