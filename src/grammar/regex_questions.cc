// SPDX-License-Identifier: Apache-2.0
// What can be asked of an expression: how it may begin, which bytes it tells apart, whether any
// text matches.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <boost/container/small_vector.hpp>

#include "grammar/regex.h"

namespace kinglet {
namespace {

// Expressions whose emptiness takes more derivatives to decide, all together, overflow the pool.
constexpr std::size_t kMaxStepsOfEmptiness = 400'000;  // all questions together
constexpr std::size_t kMaxStepsOfAHint = 250;          // one question that may go without an answer
// Ends of texts that are tried before anything is searched.
constexpr std::size_t kMaxKnownEnds = 4;

}  // namespace

// Bytes that no set so far tells apart are of one class. A set costs as much as it has bytes.
class RegexPool::ByteClasses {
 public:
  ByteClasses() { sizes_[0] = kBytes; }

  void Split(const ByteSet& set) {
    boost::container::small_vector<std::uint8_t, 64> touched;
    set.ForEach([&](std::uint8_t byte) {
      const std::uint8_t from = class_of_[byte];
      if (inside_[from]++ == 0) touched.push_back(from);
    });
    set.ForEach([&](std::uint8_t byte) {
      const std::uint8_t from = class_of_[byte];
      if (moved_[from] == 0) {
        if (inside_[from] == sizes_[from]) return;  // all of it
        moved_[from] = static_cast<std::uint8_t>(count_++);
        sizes_[moved_[from]] = inside_[from];
      }
      class_of_[byte] = moved_[from];
    });
    for (const std::uint8_t from : touched) {
      if (std::exchange(moved_[from], 0) != 0) sizes_[from] -= inside_[from];
      inside_[from] = 0;
    }
  }

  // The first byte of each class, in their order.
  std::vector<std::uint8_t> Representatives() const {
    std::vector<std::uint8_t> first;
    std::array<bool, kBytes> seen{};
    for (std::size_t byte = 0; byte < kBytes; ++byte) {
      if (std::exchange(seen[class_of_[byte]], true)) continue;
      first.push_back(static_cast<std::uint8_t>(byte));
    }
    return first;
  }

 private:
  static constexpr std::size_t kBytes = 256;
  std::size_t count_ = 1;
  std::array<std::uint8_t, kBytes> class_of_{};
  std::array<std::uint16_t, kBytes> sizes_{};
  // While a set is looked at: its bytes of each class, and the class that those become; 0: none.
  std::array<std::uint16_t, kBytes> inside_{};
  std::array<std::uint8_t, kBytes> moved_{};
};

void RegexPool::SplitByFirst(RegexId id, ByteClasses& classes) {
  Node& node = nodes_[id];
  if (std::exchange(node.question, questions_) == questions_) return;
  switch (node.kind) {
    case Kind::kBytes:
      classes.Split(sets_[node.a]);
      break;
    case Kind::kConcat:
      SplitByFirst(node.a, classes);
      if (nodes_[node.a].matches_empty) SplitByFirst(node.b, classes);
      break;
    case Kind::kOr:
    case Kind::kAnd:
      for (const RegexId part : Parts(node)) SplitByFirst(part, classes);
      break;
    case Kind::kNot:
    case Kind::kRepeat:
      SplitByFirst(node.a, classes);
      break;
    case Kind::kMultiple:
      for (std::uint8_t c = '0'; c <= '9'; ++c) classes.Split(ByteSet::Of(c));
      classes.Split(ByteSet::Of('.'));
      break;
    default:
      break;
  }
}

void RegexPool::KeepAlike(RegexId id, std::uint8_t byte, ByteSet& alike) const {
  const Node& node = nodes_[id];
  switch (node.kind) {
    case Kind::kBytes:
      alike = alike & (sets_[node.a].Has(byte) ? sets_[node.a] : ~sets_[node.a]);
      break;
    case Kind::kConcat:
      KeepAlike(node.a, byte, alike);
      if (nodes_[node.a].matches_empty) KeepAlike(node.b, byte, alike);
      break;
    case Kind::kOr:
    case Kind::kAnd:
      for (const RegexId part : Parts(node)) KeepAlike(part, byte, alike);
      break;
    case Kind::kNot:
    case Kind::kRepeat:
      KeepAlike(node.a, byte, alike);
      break;
    case Kind::kMultiple: {
      ByteSet own = ByteSet::Range('0', '9');
      own.Add('.');
      alike = alike & (own.Has(byte) ? ByteSet::Of(byte) : ~own);
      break;
    }
    default:
      break;
  }
}

std::vector<std::uint8_t> RegexPool::Representatives(RegexId id) {
  ByteClasses classes;
  ++questions_;
  SplitByFirst(id, classes);
  return classes.Representatives();
}

ByteSet RegexPool::FirstBytes(RegexId id) const {
  const Node& node = nodes_[id];
  switch (node.kind) {
    case Kind::kBytes:
      return sets_[node.a];
    case Kind::kConcat: {
      const ByteSet first = FirstBytes(node.a);
      return nodes_[node.a].matches_empty ? first | FirstBytes(node.b) : first;
    }
    case Kind::kOr: {
      ByteSet any;
      for (const RegexId part : Parts(node)) any = any | FirstBytes(part);
      return any;
    }
    case Kind::kAnd: {
      ByteSet all = ByteSet::All();
      for (const RegexId part : Parts(node)) all = all & FirstBytes(part);
      return all;
    }
    case Kind::kNot:
    case Kind::kMultiple:
      return ByteSet::All();
    case Kind::kRepeat:
      return FirstBytes(node.a);
    default:
      return {};
  }
}

// Whether the expression is known to match something.
bool RegexPool::IsSomething(RegexId id) const {
  const Node& node = nodes_[id];
  return node.matches_empty || (node.is_plain && id != kNoText) ||
         node.emptiness == Emptiness::kSomething;
}

// What ended texts before may end this one: states of a text one after another mostly do alike.
bool RegexPool::HasKnownEnd(RegexId id) {
  for (std::size_t i = 0; i < known_ends_.size(); ++i) {
    List on_way = {id};
    for (const char byte : known_ends_[i]) {
      on_way.push_back(Derivative(on_way.back(), static_cast<std::uint8_t>(byte)));
      if (on_way.back() == kNoText || IsSomething(on_way.back())) break;
    }
    if (!IsSomething(on_way.back())) continue;
    for (const RegexId each : on_way) nodes_[each].emptiness = Emptiness::kSomething;
    std::rotate(known_ends_.begin(), known_ends_.begin() + static_cast<std::ptrdiff_t>(i),
                known_ends_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    return true;
  }
  return false;
}

bool RegexPool::IsNothing(RegexId id) {
  return EmptinessOf(id, kMaxStepsOfEmptiness) != Emptiness::kSomething;
}

RegexPool::Emptiness RegexPool::EmptinessOf(RegexId id, std::size_t max_steps) {
  if (id == kNoText) return Emptiness::kNothing;
  if (IsSomething(id)) return Emptiness::kSomething;
  if (nodes_[id].emptiness == Emptiness::kNothing) return Emptiness::kNothing;
  if (HasKnownEnd(id)) return Emptiness::kSomething;
  // Towards any expression that is known to match something; the one that looks nearest first, and
  // of those the last found.
  struct Visit {
    RegexId id;
    std::size_t from;  // in visits
    std::uint8_t byte;
  };
  std::vector<Visit> visits = {{id, 0, 0}};
  boost::unordered_flat_set<RegexId> seen{id};
  std::vector<std::pair<std::uint32_t, std::size_t>> open = {{0, 0}};  // a heap: nearness, visit
  while (!open.empty()) {
    const std::size_t at = open.front().second;
    std::ranges::pop_heap(open);
    open.pop_back();
    for (const std::uint8_t byte : Representatives(visits[at].id)) {
      if (++emptiness_steps_ > kMaxStepsOfEmptiness) overflowed_ = true;
      if (overflowed_ || max_steps-- == 0) return Emptiness::kUnknown;
      const RegexId then = Derivative(visits[at].id, byte);
      if (IsSomething(then)) {
        std::string end(1, static_cast<char>(byte));
        for (std::size_t on_way = at; on_way > 0; on_way = visits[on_way].from) {
          nodes_[visits[on_way].id].emptiness = Emptiness::kSomething;
          end += static_cast<char>(visits[on_way].byte);
        }
        nodes_[id].emptiness = Emptiness::kSomething;
        std::ranges::reverse(end);
        if (known_ends_.size() == kMaxKnownEnds) known_ends_.pop_back();
        known_ends_.insert(known_ends_.begin(), std::move(end));
        return Emptiness::kSomething;
      }
      const Node& node = nodes_[then];
      if (then == kNoText || node.emptiness == Emptiness::kNothing || !seen.insert(then).second)
        continue;
      open.emplace_back(~node.distance, visits.size());
      std::ranges::push_heap(open);
      visits.push_back({then, at, byte});
    }
  }
  for (const RegexId each : seen) nodes_[each].emptiness = Emptiness::kNothing;
  return Emptiness::kNothing;
}

void RegexPool::LeadingRuns(RegexId id, std::vector<Run>& runs) {
  const Node node = nodes_[id];  // a copy: nodes move as others are made
  switch (node.kind) {
    case Kind::kRepeat:
      runs.push_back({.part = node.a, .max = node.c, .whole = id});
      break;
    case Kind::kConcat: {
      const std::size_t before = runs.size();
      LeadingRuns(node.a, runs);
      for (Run& run : std::span(runs).subspan(before)) run.whole = id;
      break;
    }
    case Kind::kOr:
      for (std::uint32_t i = 0; i < node.b; ++i) {
        const RegexId part = parts_[node.a + i];
        if (EmptinessOf(part, kMaxStepsOfAHint) == Emptiness::kSomething) LeadingRuns(part, runs);
      }
      break;
    case Kind::kAnd:
      for (std::uint32_t i = 0; i < node.b; ++i) {
        std::vector<Run> of_part;
        LeadingRuns(parts_[node.a + i], of_part);
        for (Run& run : of_part) {
          if (run.max == kUnbounded && Shorten(run, id, i)) runs.push_back(run);
        }
      }
      break;
    default:
      break;
  }
}

// Of .*X that is so long at most and none of a few texts: whether the run of one part is one of the
// conjunction, as the others ask for nothing but a count of what it is made of (and an end that it
// has), or rule out finitely many texts.
bool RegexPool::Shorten(Run& run, RegexId conjunction, std::uint32_t of_part) {
  std::uint32_t least = 0;
  bool rules_out = false;
  for (std::uint32_t i = 0; i < nodes_[conjunction].b; ++i) {
    if (i == of_part) continue;
    const RegexId other = parts_[nodes_[conjunction].a + i];
    const Node node = nodes_[other];
    if (node.kind == Kind::kNot && nodes_[node.a].is_finite) {
      rules_out = true;
      continue;
    }
    const RegexId then = node.kind == Kind::kConcat ? node.b : kEmptyText;
    const Node count = nodes_[node.kind == Kind::kConcat ? node.a : other];
    if (count.kind != Kind::kRepeat) return false;
    least = std::max(least, count.b);
    run.max = std::min(run.max, count.c);
    const RegexId uncounted = Concat(Repeat(count.a, 0, kUnbounded), then);
    for (const RegexId more : {And({run.part, Not(count.a)}), And({run.whole, Not(uncounted)})}) {
      if (EmptinessOf(more, kMaxStepsOfAHint) != Emptiness::kNothing) return false;
    }
  }
  if (least > run.max) return false;
  if (run.max == kUnbounded) return true;
  // What follows the run must fit as well: its shortest text, where that is known.
  const Node& whole = nodes_[run.whole];
  if (rules_out || !whole.is_plain || whole.distance >= run.max) return false;
  run.max -= whole.distance;
  return true;
}

}  // namespace kinglet
