// SPDX-License-Identifier: Apache-2.0
// Where in a grammar a text may be: a deterministic automaton over bytes, made as texts reach it.
//
// A state is a set of places. A place is what is left of one terminal (an expression) and the stack
// of what must follow it. Expressions, stacks and states are each kept once, so that a state is a
// number, a step that was taken before is one load, and taking a step back costs nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "grammar/grammar.h"

namespace kinglet {

struct MatcherLimits {
  std::size_t max_states = 50'000;
  std::size_t max_frames = 1'000'000;
  std::size_t max_places = 1024;  // of one state
};

class Matcher {
 public:
  using StateId = std::uint32_t;
  static constexpr StateId kDead = 0;  // no text that begins so is in the language

  // The grammar is finished.
  explicit Matcher(Grammar grammar, const MatcherLimits& limits = {});

  StateId start() const { return start_; }
  // From every state but kDead some text leads to an end.
  StateId Next(StateId state, std::uint8_t byte) {
    const Steps* const steps = states_[state].steps.get();
    if (steps != nullptr && (*steps)[byte] != kUnknown) return (*steps)[byte];
    return Step(state, byte);
  }
  StateId Next(StateId state, std::string_view text);
  bool MayEnd(StateId state) const { return states_[state].may_end; }
  // The bytes that may follow.
  ByteSet NextBytes(StateId state);
  // A superset of them, without a step.
  ByteSet PossibleBytes(StateId state);

  // What texts may go on with (RegexPool::LeadingRuns of each of the state's expressions).
  std::vector<RegexPool::Run> LeadingRuns(StateId state);

  // A limit was passed: what is kDead from then on may be so for want of room.
  bool is_exhausted() const { return is_exhausted_; }
  std::size_t state_count() const { return states_.size(); }
  Grammar& grammar() { return grammar_; }

 private:
  using FrameId = std::uint32_t;
  static constexpr FrameId kBottom = 0;
  static constexpr StateId kUnknown = 0xFFFFFFFF;
  using Steps = std::array<StateId, 256>;

  struct Frame {
    Grammar::NodeId node;  // what comes next
    FrameId below;         // and then
  };
  struct Place {
    RegexId regex;
    FrameId stack;
    auto operator<=>(const Place&) const = default;
  };
  struct State {
    std::uint32_t begin = 0;  // of its places
    std::uint32_t count = 0;
    bool may_end = false;
    std::unique_ptr<Steps> steps = nullptr;
  };

  FrameId Push(Grammar::NodeId node, FrameId below);
  StateId Step(StateId id, std::uint8_t byte);
  // Adds the places where a text may stand that still has to match `node` and the stack.
  void Enter(Grammar::NodeId node, FrameId stack);
  void Expand(Grammar::NodeId id, FrameId stack);
  void Leave(FrameId stack);
  // The step of a byte is that of all bytes that no place tells from it.
  void SetSteps(StateId id, std::uint8_t byte, StateId next);
  StateId InternPlaces();
  StateId Exhaust();

  Grammar grammar_;
  MatcherLimits limits_;
  bool is_exhausted_ = false;
  StateId start_ = kDead;
  std::vector<State> states_;
  std::vector<Place> places_;
  std::vector<Frame> frames_;
  boost::unordered_flat_map<std::uint64_t, FrameId> frame_index_;
  boost::unordered_flat_map<std::size_t, std::vector<StateId>> state_index_;

  // Of the state that is being made.
  std::vector<Place> next_;
  bool next_may_end_ = false;
  std::vector<std::pair<Grammar::NodeId, FrameId>> to_expand_;
  boost::unordered_flat_map<std::uint64_t, bool> expanded_;
};

}  // namespace kinglet
