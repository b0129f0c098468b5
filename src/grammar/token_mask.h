// SPDX-License-Identifier: Apache-2.0
// Which tokens may come next.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "grammar/matcher.h"
#include "grammar/token_trie.h"

namespace kinglet {

// Masks of one grammar over one vocabulary. Not for two threads at once.
class TokenMasker {
 public:
  // The trie outlives it.
  TokenMasker(const TokenTrie& trie, Grammar grammar, const MatcherLimits& limits = {});

  Matcher& matcher() { return matcher_; }
  const TokenTrie& trie() const { return *trie_; }

  // The tokens after which some text leads to an end. What ends a generation is none of them: it is
  // allowed where matcher().MayEnd(). Kept for the states that were asked for last; good until the
  // next call.
  const TokenMask& Mask(Matcher::StateId state);

  // Bytes that must follow, whatever is chosen; at most so many.
  std::string Forced(Matcher::StateId state, std::size_t max_bytes);

 private:
  static constexpr std::size_t kMaxKept = 256;  // masks

  // So many characters of an alphabet may follow, whatever they are.
  struct Freedom {
    std::uint8_t alphabet = TokenTrie::kAlphabets;
    std::uint8_t characters = 0;
    bool is_known = false;

    bool Holds(const TokenTrie::Node& node) const {
      return node.alphabet <= alphabet && alphabet < TokenTrie::kAlphabets &&
             node.left <= characters;
    }
  };

  Freedom FreedomOf(Matcher::StateId state);
  void Compute(Matcher::StateId state, TokenMask& mask);
  void Walk(Matcher::StateId state, const Freedom& done, TokenMask& mask);
  void AllowSubtree(std::size_t node, TokenMask& mask) const;

  const TokenTrie* trie_;
  Matcher matcher_;
  std::array<RegexId, TokenTrie::kAlphabets> alphabets_{};  // one character of each
  std::vector<Freedom> freedom_;                            // by state
  boost::unordered_flat_map<Matcher::StateId, TokenMask> kept_;
  // Of a walk: the states on the way to a node, and where the subtrees of each end.
  struct Step {
    Matcher::StateId state;
    std::size_t end;
  };
  std::vector<Step> path_;
};

}  // namespace kinglet
