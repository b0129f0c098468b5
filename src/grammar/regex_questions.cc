// SPDX-License-Identifier: Apache-2.0
// What can be asked of an expression: how it may begin, which bytes it tells apart, whether any
// text matches.
#include <algorithm>
#include <utility>

#include "grammar/regex.h"

namespace kinglet {
namespace {

// Expressions whose emptiness takes more derivatives to decide, all together, overflow the pool.
constexpr std::size_t kMaxStepsOfEmptiness = 400'000;

}  // namespace

void RegexPool::CollectFirstSets(RegexId id, std::vector<ByteSet>& sets) const {
  const Node& node = nodes_[id];
  switch (node.kind) {
    case Kind::kBytes:
      if (std::ranges::find(sets, sets_[node.a]) == sets.end()) sets.push_back(sets_[node.a]);
      break;
    case Kind::kConcat:
      CollectFirstSets(node.a, sets);
      if (nodes_[node.a].matches_empty) CollectFirstSets(node.b, sets);
      break;
    case Kind::kOr:
    case Kind::kAnd:
      for (const RegexId part : Parts(node)) CollectFirstSets(part, sets);
      break;
    case Kind::kNot:
    case Kind::kRepeat:
      CollectFirstSets(node.a, sets);
      break;
    case Kind::kMultiple:
      for (std::uint8_t c = '0'; c <= '9'; ++c) sets.push_back(ByteSet::Of(c));
      sets.push_back(ByteSet::Of('.'));
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

std::vector<std::uint8_t> RegexPool::Representatives(RegexId id) const {
  std::vector<ByteSet> sets;
  CollectFirstSets(id, sets);
  std::vector<ByteSet> classes = {ByteSet::All()};
  for (const ByteSet& set : sets) {
    for (std::size_t i = 0, count = classes.size(); i < count; ++i) {
      const ByteSet inside = classes[i] & set;
      if (inside.empty() || inside == classes[i]) continue;
      classes[i] = classes[i] & ~set;
      classes.push_back(inside);
    }
  }
  std::vector<std::uint8_t> representatives;
  for (const ByteSet& each : classes) representatives.push_back(each.first());
  std::ranges::sort(representatives);
  return representatives;
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

bool RegexPool::IsNothing(RegexId id) {
  if (nodes_[id].is_plain || nodes_[id].matches_empty) return id == kNoText;
  if (nodes_[id].emptiness != Emptiness::kUnknown)
    return nodes_[id].emptiness == Emptiness::kNothing;
  // Towards any expression that is known to match something; the one that looks nearest first, and
  // of those the last found.
  struct Visit {
    RegexId id;
    std::size_t from;  // in visits
  };
  std::vector<Visit> visits = {{id, 0}};
  boost::unordered_flat_set<RegexId> seen{id};
  std::vector<std::pair<std::uint32_t, std::size_t>> open = {{0, 0}};  // a heap: nearness, visit
  while (!open.empty()) {
    const std::size_t at = open.front().second;
    std::ranges::pop_heap(open);
    open.pop_back();
    for (const std::uint8_t byte : Representatives(visits[at].id)) {
      if (++emptiness_steps_ > kMaxStepsOfEmptiness) overflowed_ = true;
      const RegexId then = Derivative(visits[at].id, byte);
      const Node& node = nodes_[then];
      if (node.matches_empty || (node.is_plain && then != kNoText) ||
          node.emptiness == Emptiness::kSomething) {
        for (std::size_t on_way = at; on_way > 0; on_way = visits[on_way].from) {
          nodes_[visits[on_way].id].emptiness = Emptiness::kSomething;
        }
        nodes_[id].emptiness = Emptiness::kSomething;
        return false;
      }
      if (then == kNoText || node.emptiness == Emptiness::kNothing || !seen.insert(then).second)
        continue;
      if (overflowed_) return true;
      open.emplace_back(~node.distance, visits.size());
      std::ranges::push_heap(open);
      visits.push_back({then, at});
    }
  }
  for (const RegexId each : seen) nodes_[each].emptiness = Emptiness::kNothing;
  return true;
}

RegexPool::Run RegexPool::LeadingRun(RegexId id) const {
  const Node& node = nodes_[id];
  if (node.kind == Kind::kConcat) return LeadingRun(node.a);
  if (node.kind == Kind::kRepeat) return {node.a, node.c};
  Run longest;
  if (node.kind == Kind::kOr) {
    for (const RegexId part : Parts(node)) {
      const Run run = LeadingRun(part);
      if (run.max > longest.max) longest = run;
    }
  }
  if (node.kind == Kind::kAnd && node.b == 2) {
    // All but so many texts: behind any run others are left.
    for (std::uint32_t i = 0; i < 2; ++i) {
      const Node& other = nodes_[parts_[node.a + 1 - i]];
      if (other.kind != Kind::kNot || !nodes_[other.a].is_finite) continue;
      const Run run = LeadingRun(parts_[node.a + i]);
      if (run.max == kUnbounded) return run;
    }
  }
  return longest;
}

}  // namespace kinglet
