// SPDX-License-Identifier: Apache-2.0
// How much may follow a state whatever it is: so many characters of some classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "grammar/character_classes.h"
#include "grammar/matcher.h"

namespace kinglet {

class FreeRuns {
 public:
  // Any text of at most so many characters of these classes, which may be none.
  struct Run {
    CharacterClasses classes = 0;
    std::uint8_t characters = 0;
    bool is_exact = false;  // no text of more of them
  };

  // The matcher outlives it.
  explicit FreeRuns(Matcher& matcher) : matcher_(&matcher) {}

  // Lower bounds: what looks like no run may still be one. AtSight() looks at the state's
  // expressions alone; Of() explores the states behind it too, which is worth it before a long
  // walk.
  const Run& AtSight(Matcher::StateId state) {
    if (state >= known_.size() || !known_[state].is_seen)
      Note(state, Look(state), /*is_explored=*/false);
    return known_[state].run;
  }
  const Run& Of(Matcher::StateId state) {
    if (state >= known_.size() || !known_[state].is_explored) {
      Note(state, Explore(state), /*is_explored=*/true);
    }
    return known_[state].run;
  }

 private:
  struct Known {
    Run run;
    bool is_seen = false;
    bool is_explored = false;
  };

  void Note(Matcher::StateId state, const Run& run, bool is_explored);
  Run Look(Matcher::StateId state);
  CharacterClasses ClassesWithin(RegexId part);
  bool MatchesAll(RegexId regex, std::span<const ByteSet> sequence);
  Run Explore(Matcher::StateId state);
  Run Extend(Matcher::StateId state, CharacterClasses classes, CharacterClasses& ended);
  bool EndsAll(Matcher::StateId state, CharacterClasses classes);
  std::size_t Made() const;
  CharacterClasses Follow(Matcher::StateId state, CharacterClasses classes);
  bool FollowOne(Matcher::StateId state, int character_class);

  Matcher* matcher_;
  std::size_t made_ = 0;  // states and expressions, by exploring
  boost::unordered_flat_map<RegexId, CharacterClasses> within_;  // an expression
  std::vector<Known> known_;                                     // by state
  std::vector<Matcher::StateId> followers_, inside_, after_;     // of the state that is looked at
};

}  // namespace kinglet
