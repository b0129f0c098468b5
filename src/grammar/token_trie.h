// SPDX-License-Identifier: Apache-2.0
// A vocabulary by the bytes of its tokens, laid flat: a node, its first child's subtree, the next
// child's ..., so that a walk reads memory forwards and skips a subtree by one addition.
//
// Most tokens are whole characters of one of a few alphabets, each of which holds the one before.
// Where so many characters of an alphabet may follow whatever they are, all tokens that are such
// characters are allowed without a walk: the mask of the alphabet is copied, and a walk passes over
// the subtrees that hold nothing else. What is left of the whole vocabulary beside such a mask are
// a few thousand tokens, with quotes, line ends and halves of characters: they have tries of their
// own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/code_points.h"
#include "text/vocabulary.h"

namespace kinglet {

// One bit a token, in words of 64.
using TokenMask = std::vector<std::uint64_t>;

inline bool IsAllowed(const TokenMask& mask, TokenId id) {
  return (mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) != 0;
}

inline void Allow(TokenMask& mask, TokenId id) {
  mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
}

class TokenTrie {
 public:
  // Small letters, letters, letters and digits, these with - and _, printable ASCII, and all
  // characters; the last two without what a JSON string does not hold as it is.
  static constexpr std::uint8_t kAlphabets = 6;
  static CodePointSet Alphabet(std::uint8_t index);
  // Characters that a mask's tokens have at most.
  static constexpr std::array<std::uint8_t, 3> kLengths = {4, 12, 100};

  struct Node {
    std::uint32_t first;      // token of the subtree, in order
    std::uint32_t byte : 8;   // that leads here
    std::uint32_t size : 24;  // nodes of the subtree, this one included
    // The alphabet of all tokens of the subtree, and of what is left of them behind this node;
    // kAlphabets: of none.
    std::uint8_t alphabet : 4;
    std::uint8_t left_alphabet : 4;
    std::uint8_t characters;       // of the longest of them, where it is of an alphabet
    std::uint8_t left_characters;  // the same of what is left
    bool is_token;                 // one ends here: the first
  };
  static_assert(sizeof(Node) == 12);

  // tokens[i] is token i's bytes; an empty one (a control token) can never be part of a text.
  // ends: those that end a generation.
  explicit TokenTrie(std::span<const std::string_view> tokens, std::span<const TokenId> ends = {});

  std::size_t vocab_size() const { return begin_.size() - 1; }
  std::size_t mask_words() const { return (vocab_size() + 63) / 64; }
  std::string_view bytes(TokenId id) const {
    const std::uint32_t* const begin = &begin_[static_cast<std::size_t>(id)];
    return std::string_view(text_).substr(begin[0], begin[1] - begin[0]);
  }

  // The tokens that end a generation.
  const TokenMask& ends() const { return ends_; }

  // The token of just these bytes, the first of several; nothing: there is none.
  std::optional<TokenId> Find(std::string_view bytes_of_token) const;

  // A token begins with these bytes and has more.
  bool HasLonger(std::string_view bytes_of_token) const;

  struct Tree {
    std::vector<Node> nodes;     // the first is the root; one more closes the list
    std::vector<TokenId> order;  // tokens by their bytes, so that a subtree's are in a row
  };
  const Tree& all() const { return all_; }
  // Those that the last alphabet's mask of this length has not.
  const Tree& beside(std::size_t length) const { return beside_[length]; }
  // Tokens of an alphabet, of at most kLengths[length] characters.
  const TokenMask& mask(std::uint8_t alphabet, std::size_t length) const {
    return masks_[alphabet][length];
  }

 private:
  void Sort();
  void BuildMasks();
  void BuildNodes(Tree& tree) const;

  std::string text_;                  // of all tokens
  std::vector<std::uint32_t> begin_;  // [vocab_size + 1], in text_
  TokenMask ends_;
  Tree all_;
  std::array<Tree, kLengths.size()> beside_;
  std::array<std::array<TokenMask, kLengths.size()>, kAlphabets> masks_;
};

}  // namespace kinglet
