// SPDX-License-Identifier: Apache-2.0
// One step: the derivative of each place's expression; where one may end, what follows is entered.
#include "grammar/matcher.h"

#include <algorithm>
#include <utility>

#include <boost/container_hash/hash.hpp>

namespace kinglet {
namespace {

constexpr std::uint64_t Pair(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

}  // namespace

Matcher::Matcher(Grammar grammar, const MatcherLimits& limits)
    : grammar_(std::move(grammar)), limits_(limits) {
  frames_.push_back({Grammar::kEmpty, kBottom});
  states_.push_back({});
  Enter(grammar_.root(), kBottom);
  start_ = InternPlaces();
}

Matcher::FrameId Matcher::Push(Grammar::NodeId node, FrameId below) {
  if (node == Grammar::kEmpty) return below;
  const auto [found, is_new] =
      frame_index_.try_emplace(Pair(node, below), static_cast<FrameId>(frames_.size()));
  if (is_new) frames_.push_back({node, below});
  return found->second;
}

void Matcher::Leave(FrameId stack) {
  if (stack == kBottom) {
    next_may_end_ = true;
  } else {
    to_expand_.emplace_back(frames_[stack].node, frames_[stack].below);
  }
}

void Matcher::Enter(Grammar::NodeId node, FrameId stack) {
  to_expand_.emplace_back(node, stack);
  while (!to_expand_.empty() && next_.size() <= limits_.max_places) {
    const auto [id, then] = to_expand_.back();
    to_expand_.pop_back();
    if (!grammar_.MatchesSomething(id)) continue;
    // A repetition of what may be empty would be entered for ever.
    if (expanded_.try_emplace(Pair(id, then), true).second) Expand(id, then);
  }
}

void Matcher::Expand(Grammar::NodeId id, FrameId stack) {
  const Grammar::Node node = grammar_.node(id);
  switch (node.kind) {
    case Grammar::Kind::kEmpty:
      Leave(stack);
      break;
    case Grammar::Kind::kTerminal:
      if (node.a != kEmptyText) next_.push_back({node.a, stack});
      if (grammar_.regex().MatchesEmpty(node.a)) Leave(stack);
      break;
    case Grammar::Kind::kSequence:
      to_expand_.emplace_back(node.a, Push(node.b, stack));
      break;
    case Grammar::Kind::kChoice:
      for (const Grammar::NodeId part : grammar_.Parts(node)) to_expand_.emplace_back(part, stack);
      break;
    case Grammar::Kind::kRepeat:
      if (node.b == 0) Leave(stack);
      to_expand_.emplace_back(node.a, Push(grammar_.AfterOneOf(node), stack));
      break;
    case Grammar::Kind::kRule:
      to_expand_.emplace_back(grammar_.Body(node), stack);
      break;
  }
}

Matcher::StateId Matcher::Exhaust() {
  is_exhausted_ = true;
  next_.clear();
  next_may_end_ = false;
  to_expand_.clear();
  return kDead;
}

// The state of the places in next_, which is empty afterwards.
Matcher::StateId Matcher::InternPlaces() {
  expanded_.clear();
  if (next_.size() > limits_.max_places || states_.size() > limits_.max_states ||
      frames_.size() > limits_.max_frames || grammar_.regex().overflowed()) {
    return Exhaust();
  }
  std::ranges::sort(next_);
  next_.erase(std::ranges::unique(next_).begin(), next_.end());
  const bool may_end = std::exchange(next_may_end_, false);
  if (next_.empty() && !may_end) return kDead;
  std::size_t hash = may_end ? 1 : 0;
  for (const Place& place : next_) boost::hash_combine(hash, Pair(place.regex, place.stack));
  std::vector<StateId>& alike = state_index_[hash];
  for (const StateId id : alike) {
    const State& state = states_[id];
    if (state.may_end == may_end &&
        std::ranges::equal(std::span(places_).subspan(state.begin, state.count), next_)) {
      next_.clear();
      return id;
    }
  }
  states_.push_back({.begin = static_cast<std::uint32_t>(places_.size()),
                     .count = static_cast<std::uint32_t>(next_.size()),
                     .may_end = may_end});
  places_.insert(places_.end(), next_.begin(), next_.end());
  next_.clear();
  alike.push_back(static_cast<StateId>(states_.size() - 1));
  return alike.back();
}

void Matcher::SetSteps(StateId id, std::uint8_t byte, StateId next) {
  const State& state = states_[id];
  ByteSet alike = ByteSet::All();
  for (std::uint32_t i = 0; i < state.count; ++i) {
    grammar_.regex().KeepAlike(places_[state.begin + i].regex, byte, alike);
  }
  alike.ForEach([&](std::uint8_t each) { (*state.steps)[each] = next; });
}

Matcher::StateId Matcher::Step(StateId id, std::uint8_t byte) {
  if (id == kDead) return kDead;
  if (states_[id].steps == nullptr) {
    states_[id].steps = std::make_unique_for_overwrite<Steps>();
    states_[id].steps->fill(kUnknown);
  }
  RegexPool& pool = grammar_.regex();
  const State& state = states_[id];
  for (std::uint32_t i = 0; i < state.count; ++i) {
    const Place place = places_[state.begin + i];
    const RegexId regex = pool.Derivative(place.regex, byte);
    if (regex == kNoText || pool.IsNothing(regex)) continue;
    if (regex != kEmptyText) next_.push_back({regex, place.stack});
    if (!pool.MatchesEmpty(regex)) continue;
    if (place.stack == kBottom) {
      next_may_end_ = true;
    } else {
      Enter(frames_[place.stack].node, frames_[place.stack].below);
    }
  }
  const StateId next = InternPlaces();
  if (!is_exhausted_) SetSteps(id, byte, next);
  return next;
}

Matcher::StateId Matcher::Next(StateId state, std::string_view text) {
  for (const char c : text) {
    state = Next(state, static_cast<std::uint8_t>(c));
    if (state == kDead) break;
  }
  return state;
}

ByteSet Matcher::PossibleBytes(StateId state) {
  ByteSet possible;
  for (std::uint32_t i = 0; i < states_[state].count; ++i) {
    possible = possible | grammar_.regex().FirstBytes(places_[states_[state].begin + i].regex);
  }
  return possible;
}

ByteSet Matcher::NextBytes(StateId state) {
  ByteSet certain;
  PossibleBytes(state).ForEach([&](std::uint8_t byte) {
    if (Next(state, byte) != kDead) certain.Add(byte);
  });
  return certain;
}

std::vector<RegexPool::Run> Matcher::LeadingRuns(StateId state) {
  std::vector<RegexPool::Run> runs;
  for (std::uint32_t i = 0; i < states_[state].count; ++i) {
    grammar_.regex().LeadingRuns(places_[states_[state].begin + i].regex, runs);
  }
  return runs;
}

}  // namespace kinglet
