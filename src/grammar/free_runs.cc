// SPDX-License-Identifier: Apache-2.0
// One look at the expressions, or breadth first through the states that characters of some classes
// lead to: a run goes on until one of them leads nowhere.
#include "grammar/free_runs.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>
#include <utility>

namespace kinglet {
namespace {

constexpr std::uint32_t kMaxRun = std::numeric_limits<std::uint8_t>::max();
// A state whose characters lead to more is worth no further look.
constexpr std::size_t kMaxExplored = 80;
// Exploring makes states and expressions that a text may never need: so many for one run, and all
// together.
constexpr std::size_t kMaxMade = 4'000;
constexpr std::size_t kMaxMadeOfAll = 50'000;
// A longer run of fewer classes is worth more than a shorter one.
constexpr std::uint8_t kShortRun = 4;
// No longer run that is seen in an expression is followed to its end.
constexpr std::uint8_t kLongRun = 16;

using Run = FreeRuns::Run;

bool IsBetter(const Run& a, const Run& b) {
  const auto rank = [](const Run& run) {
    const bool is_long = run.is_exact || run.characters >= kShortRun;
    return std::tuple(is_long, std::popcount(run.classes), run.is_exact, run.characters);
  };
  return rank(a) > rank(b);
}

// How the characters of a class are written.
struct ClassBytes {
  std::vector<std::vector<ByteSet>> sequences;
  ByteSet first;
};

const ClassBytes& BytesOf(int character_class) {
  static const std::vector<ClassBytes> classes = [] {
    std::vector<ClassBytes> all;
    for (int i = 0; i < kCharacterClasses; ++i) {
      ClassBytes bytes{.sequences = CharactersOf(i).Utf8Sequences(), .first = {}};
      for (const auto& sequence : bytes.sequences) bytes.first = bytes.first | sequence[0];
      all.push_back(std::move(bytes));
    }
    return all;
  }();
  return classes[static_cast<std::size_t>(character_class)];
}

}  // namespace

void FreeRuns::Note(Matcher::StateId state, const Run& run, bool is_explored) {
  if (state >= known_.size()) known_.resize(std::max<std::size_t>(state + 1, known_.size() * 2));
  known_[state] = {run, /*is_seen=*/true, is_explored};
}

Run FreeRuns::Look(Matcher::StateId state) {
  Run best;
  for (const RegexPool::Run& leading : matcher_->LeadingRuns(state)) {
    if (leading.max == 0) continue;
    const Run run = {.classes = ClassesWithin(leading.part),
                     .characters = static_cast<std::uint8_t>(std::min(leading.max, kMaxRun))};
    if (run.classes != 0 && IsBetter(run, best)) best = run;
  }
  return best;
}

// The classes each of whose characters is a text of the expression.
CharacterClasses FreeRuns::ClassesWithin(RegexId part) {
  const auto [found, is_new] = within_.try_emplace(part, 0);
  if (!is_new) return found->second;
  CharacterClasses classes = 0;
  ForEachClass(kAllCharacters, [&](int each) {
    const bool holds = std::ranges::all_of(
        BytesOf(each).sequences, [&](const auto& bytes) { return MatchesAll(part, bytes); });
    if (holds) classes |= CharacterClasses{1} << each;
  });
  return found->second = classes;
}

// Whether any of the bytes first, then any of the next, and so on, is a text of the expression.
bool FreeRuns::MatchesAll(RegexId regex, std::span<const ByteSet> sequence) {
  RegexPool& pool = matcher_->grammar().regex();
  if (sequence.empty()) return pool.MatchesEmpty(regex);
  for (ByteSet left = sequence.front(); !left.empty();) {
    const std::uint8_t byte = left.first();
    ByteSet alike = left;
    pool.KeepAlike(regex, byte, alike);
    if (!MatchesAll(pool.Derivative(regex, byte), sequence.subspan(1))) return false;
    left = left & ~alike;
  }
  return true;
}

Run FreeRuns::Explore(Matcher::StateId state) {
  Run best = AtSight(state);
  if (best.characters > kLongRun && (kPlainCharacters & ~best.classes) == 0) return best;
  const ByteSet possible = matcher_->PossibleBytes(state);
  CharacterClasses classes = 0;
  // Quotes and the signs of escapes lead elsewhere, and characters of several bytes make many
  // states: they count where the expression shows that they are free.
  const CharacterClasses likely = kPlainCharacters & ~ClassesOf(0x80);
  ForEachClass(likely | best.classes, [&](int each) {
    if ((BytesOf(each).first & ~possible).empty()) classes |= CharacterClasses{1} << each;
  });
  while (classes != 0) {
    CharacterClasses ended = 0;
    const Run run = Extend(state, classes, ended);
    if (run.characters > 0 && IsBetter(run, best)) best = run;
    if (run.characters >= kShortRun) break;
    classes = ended == 0 ? 0 : classes & ~ended;
  }
  return best;
}

std::size_t FreeRuns::Made() const {
  return matcher_->state_count() + matcher_->grammar().regex().size();
}

// `ended`: those of the classes that could not go on.
Run FreeRuns::Extend(Matcher::StateId state, CharacterClasses classes, CharacterClasses& ended) {
  Run run = {.classes = classes, .characters = kMaxRun};
  const auto bound = [&run](std::uint32_t characters) {
    run.characters = static_cast<std::uint8_t>(std::min<std::uint32_t>(run.characters, characters));
  };
  const std::size_t start = Made();
  bool is_seen_through = true;  // each text of so many characters leads to a state of this depth
  std::vector<Matcher::StateId> seen = {state};
  std::size_t begin = 0;
  for (std::uint32_t depth = 0; depth < run.characters && begin < seen.size(); ++depth) {
    const std::size_t first = begin;
    for (const std::size_t end = seen.size(); begin < end; ++begin) {
      const Matcher::StateId at = seen[begin];
      const Run sight = AtSight(at);
      if (sight.characters > kLongRun && (classes & ~sight.classes) == 0) {
        bound(depth + sight.characters);
        is_seen_through = false;
        continue;
      }
      const std::size_t before = Made();
      const CharacterClasses live = made_ < kMaxMadeOfAll ? Follow(at, classes) : 0;
      made_ += Made() - before;
      if (live != classes) {
        bound(depth);
        ended = classes & ~live;
        run.is_exact = is_seen_through &&
                       std::all_of(seen.begin() + static_cast<std::ptrdiff_t>(first),
                                   seen.begin() + static_cast<std::ptrdiff_t>(end),
                                   [&](Matcher::StateId each) { return EndsAll(each, classes); });
        return run;
      }
      for (const Matcher::StateId next : followers_) {
        const auto found = std::ranges::find(seen, next);
        if (found == seen.end())
          seen.push_back(next);
        else if (found < seen.begin() + static_cast<std::ptrdiff_t>(end))
          is_seen_through = false;
      }
      if (seen.size() > kMaxExplored || Made() - start > kMaxMade) {
        bound(depth);
        return run;
      }
    }
  }
  return run;
}

// No text goes on with a character of the classes.
bool FreeRuns::EndsAll(Matcher::StateId state, CharacterClasses classes) {
  bool ends = true;
  ForEachClass(classes, [&](int each) {
    BytesOf(each).first.ForEach(
        [&](std::uint8_t byte) { ends = ends && matcher_->Next(state, byte) == Matcher::kDead; });
  });
  return ends;
}

// Those of the classes each of whose characters leads on; where that is all of them, followers_ are
// the states that they lead to.
CharacterClasses FreeRuns::Follow(Matcher::StateId state, CharacterClasses classes) {
  followers_.clear();
  CharacterClasses live = 0;
  ForEachClass(classes, [&](int each) {
    if (FollowOne(state, each)) live |= CharacterClasses{1} << each;
  });
  return live;
}

bool FreeRuns::FollowOne(Matcher::StateId state, int character_class) {
  bool is_live = true;
  const auto add_once = [](std::vector<Matcher::StateId>& states, Matcher::StateId next) {
    if (std::ranges::find(states, next) == states.end()) states.push_back(next);
  };
  for (const auto& sequence : BytesOf(character_class).sequences) {
    inside_.assign(1, state);
    for (const ByteSet& bytes : sequence) {
      after_.clear();
      for (const Matcher::StateId each : inside_) {
        bytes.ForEach([&](std::uint8_t byte) {
          const Matcher::StateId next = is_live ? matcher_->Next(each, byte) : Matcher::kDead;
          is_live = next != Matcher::kDead;
          if (is_live) add_once(after_, next);
        });
      }
      if (!is_live) return false;
      std::swap(inside_, after_);
    }
    for (const Matcher::StateId each : inside_) add_once(followers_, each);
  }
  return true;
}

}  // namespace kinglet
