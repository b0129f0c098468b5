// SPDX-License-Identifier: Apache-2.0
// How much may follow a state whatever it is: so many characters of an alphabet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "grammar/matcher.h"
#include "grammar/token_trie.h"

namespace kinglet {

class FreeRuns {
 public:
  // Any text of at most so many characters of the alphabet; none of alphabet kAlphabets.
  struct Run {
    std::uint8_t alphabet = TokenTrie::kAlphabets;
    std::uint8_t characters = 0;

    bool Holds(const TokenTrie::Node& node) const {
      return node.left_alphabet <= alphabet && alphabet < TokenTrie::kAlphabets &&
             node.left_characters <= characters;
    }
  };

  // The matcher outlives it.
  explicit FreeRuns(Matcher& matcher);

  // Lower bounds: what looks like no run may still be one. AtSight() looks at the state's
  // expressions alone; Of() explores the states behind it too, which is worth it before a long
  // walk.
  Run AtSight(Matcher::StateId state) {
    return state < known_.size() && known_[state].is_seen ? known_[state].run
                                                          : Find(state, /*explores=*/false);
  }
  Run Of(Matcher::StateId state) {
    return state < known_.size() && known_[state].is_explored ? known_[state].run
                                                              : Find(state, /*explores=*/true);
  }

 private:
  struct Known {
    Run run;
    bool is_seen = false;
    bool is_explored = false;
  };

  Run Find(Matcher::StateId state, bool explores);
  std::uint32_t Explore(Matcher::StateId state, std::uint8_t alphabet);
  std::size_t Made() const;
  bool Follow(Matcher::StateId state, std::uint8_t alphabet);
  bool Step(Matcher::StateId state, const ByteSet& bytes, std::vector<Matcher::StateId>& to);

  Matcher* matcher_;
  std::size_t made_ = 0;                                     // states and expressions, by exploring
  std::array<RegexId, TokenTrie::kAlphabets> characters_{};  // one of each alphabet
  std::array<std::vector<std::vector<ByteSet>>, TokenTrie::kAlphabets>
      sequences_;                                             // of their bytes
  std::vector<Known> known_;                                  // by state
  std::vector<Matcher::StateId> followers_, inside_, after_;  // of the state that is looked at
};

}  // namespace kinglet
