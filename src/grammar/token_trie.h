// SPDX-License-Identifier: Apache-2.0
// A vocabulary by the bytes of its tokens, laid flat: a node, its first child's subtree, the next
// child's ..., so that a walk reads memory forwards and skips a subtree by one addition.
//
// Most tokens are whole characters of a few classes. Where so many characters of some classes may
// follow whatever they are, all tokens that are such characters are allowed without a walk: their
// mask is put together from masks by class and length, and a walk passes over the subtrees that
// hold nothing else. What is left of the whole vocabulary beside plain text are a few thousand
// tokens, with quotes, line ends and halves of characters: they have a trie of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "grammar/character_classes.h"
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
  // How many characters the tokens of a mask have at most.
  static constexpr std::array<std::uint8_t, 19> kLengths = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                            11, 12, 13, 14, 15, 16, 24, 32, 100};

  struct Node {
    std::uint32_t first;      // token of the subtree, in order
    std::uint32_t byte : 8;   // that leads here
    std::uint32_t size : 24;  // nodes of the subtree, this one included
    // What the tokens of the subtree consist of, and what is left of them behind this node:
    // numbers of classes().
    std::uint16_t whole;
    std::uint16_t left;
    std::uint8_t characters;       // of the longest of them, where they are characters
    std::uint8_t left_characters;  // of what is left
    bool is_token;                 // one ends here: the first
  };
  static_assert(sizeof(Node) == 16);

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
  // Those that are not plain characters (kPlainCharacters), or more than kLengths has.
  const Tree& beside_plain() const { return beside_plain_; }
  CharacterClasses classes(std::uint16_t number) const { return class_sets_[number]; }

  // The tokens that are at most kLengths[length] characters, all of these classes.
  void AssignMask(CharacterClasses classes, std::size_t length, TokenMask& mask) const;

 private:
  void Sort();
  void BuildMasks();
  void BuildNodes(Tree& tree);
  std::uint16_t NumberOf(CharacterClasses classes);

  std::string text_;                  // of all tokens
  std::vector<std::uint32_t> begin_;  // [vocab_size + 1], in text_
  TokenMask ends_;
  Tree all_;
  Tree beside_plain_;
  std::vector<CharacterClasses> class_sets_;
  boost::unordered_flat_map<CharacterClasses, std::uint16_t> class_set_numbers_;
  std::array<TokenMask, kLengths.size()> of_length_;  // tokens that are whole characters
  std::array<TokenMask, kCharacterClasses> with_;     // those with a character of a class
};

}  // namespace kinglet
