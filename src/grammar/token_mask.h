// SPDX-License-Identifier: Apache-2.0
// Which tokens may come next.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "grammar/free_runs.h"
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

  void Compute(Matcher::StateId state, TokenMask& mask);
  // Adds to the mask, which has all tokens of `done` already.
  void Walk(const TokenTrie::Tree& tree, Matcher::StateId state, const FreeRuns::Run& done,
            TokenMask& mask);

  const TokenTrie* trie_;
  Matcher matcher_;
  FreeRuns free_runs_;
  boost::unordered_flat_map<Matcher::StateId, TokenMask> kept_;
  // Of a walk: the states on the way to a node, and where the subtrees of each end.
  struct Step {
    Matcher::StateId state;
    std::size_t end;
  };
  std::vector<Step> path_;
};

}  // namespace kinglet
