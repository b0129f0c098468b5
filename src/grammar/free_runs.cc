// SPDX-License-Identifier: Apache-2.0
// One look at the expressions, or breadth first through the states that characters of the alphabet
// lead to: a run goes on until one of them leads nowhere.
#include "grammar/free_runs.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "grammar/code_points.h"

namespace kinglet {
namespace {

constexpr std::uint32_t kMaxRun = std::numeric_limits<std::uint8_t>::max();
// A state whose characters lead to more is worth no further look.
constexpr std::size_t kMaxExplored = 40;
// Exploring makes states and expressions that a text may never need: so many for one run, and all
// together.
constexpr std::size_t kMaxMade = 1'000;
constexpr std::size_t kMaxMadeOfAll = 50'000;
// A longer run of a smaller alphabet is worth more than a shorter one.
constexpr std::uint32_t kShortRun = 4;

void AddOnce(std::vector<Matcher::StateId>& states, Matcher::StateId state) {
  if (std::ranges::find(states, state) == states.end()) states.push_back(state);
}

}  // namespace

FreeRuns::FreeRuns(Matcher& matcher) : matcher_(&matcher) {
  for (std::uint8_t i = 0; i < TokenTrie::kAlphabets; ++i) {
    const CodePointSet characters = TokenTrie::Alphabet(i);
    characters_[i] = characters.ToRegex(matcher.grammar().regex(), TextEncoding::kUtf8);
    sequences_[i] = characters.Utf8Sequences();
  }
}

FreeRuns::Run FreeRuns::Find(Matcher::StateId state, bool explores) {
  Run best;
  // Each alphabet holds the one before.
  for (std::uint8_t alphabet = 0; alphabet < TokenTrie::kAlphabets; ++alphabet) {
    const std::uint32_t run =
        explores ? Explore(state, alphabet)
                 : std::min(matcher_->FreeRun(state, characters_[alphabet]), kMaxRun);
    if (run == 0 || (run < kShortRun && best.characters >= kShortRun)) break;
    best = {alphabet, static_cast<std::uint8_t>(run)};
  }
  if (state >= known_.size()) known_.resize(std::max<std::size_t>(state + 1, known_.size() * 2));
  known_[state] = {best, /*is_seen=*/true, explores};
  return best;
}

std::size_t FreeRuns::Made() const {
  return matcher_->state_count() + matcher_->grammar().regex().size();
}

std::uint32_t FreeRuns::Explore(Matcher::StateId state, std::uint8_t alphabet) {
  std::uint32_t bound = kMaxRun;
  const std::size_t start = Made();
  std::vector<Matcher::StateId> seen = {state};
  std::size_t begin = 0;
  for (std::uint32_t depth = 0; depth < bound && begin < seen.size(); ++depth) {
    for (const std::size_t end = seen.size(); begin < end; ++begin) {
      const Matcher::StateId at = seen[begin];
      if (const std::uint32_t run = matcher_->FreeRun(at, characters_[alphabet]); run > 0) {
        bound = std::min(bound, depth + std::min(run, kMaxRun));
        continue;
      }
      const std::size_t before = Made();
      const bool all_live = made_ < kMaxMadeOfAll && Follow(at, alphabet);
      made_ += Made() - before;
      if (!all_live) return std::min(bound, depth);
      for (const Matcher::StateId next : followers_) AddOnce(seen, next);
      if (seen.size() > kMaxExplored || Made() - start > kMaxMade) return std::min(bound, depth);
    }
  }
  return bound;
}

// The states behind each character of the alphabet, in followers_; whether all of them live.
bool FreeRuns::Follow(Matcher::StateId state, std::uint8_t alphabet) {
  followers_.clear();
  for (const std::vector<ByteSet>& sequence : sequences_[alphabet]) {
    inside_.assign(1, state);
    for (const ByteSet& bytes : sequence) {
      after_.clear();
      for (const Matcher::StateId each : inside_) {
        if (!Step(each, bytes, after_)) return false;
      }
      std::swap(inside_, after_);
    }
    for (const Matcher::StateId each : inside_) AddOnce(followers_, each);
  }
  return true;
}

bool FreeRuns::Step(Matcher::StateId state, const ByteSet& bytes,
                    std::vector<Matcher::StateId>& to) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (!bytes.Has(static_cast<std::uint8_t>(byte))) continue;
    const Matcher::StateId next = matcher_->Next(state, static_cast<std::uint8_t>(byte));
    if (next == Matcher::kDead) return false;
    AddOnce(to, next);
  }
  return true;
}

}  // namespace kinglet
