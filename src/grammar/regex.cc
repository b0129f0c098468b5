// SPDX-License-Identifier: Apache-2.0
// Nodes are made through rules that keep equal languages equal where that is cheap; without them
// the derivatives of one expression would never be finitely many.
#include "grammar/regex.h"

#include <algorithm>
#include <initializer_list>
#include <ranges>
#include <utility>

#include <boost/container_hash/hash.hpp>

namespace kinglet {
namespace {

// Of expressions that look into each other: as deep as a stack may become.
constexpr std::uint32_t kMaxNesting = 2000;

// Of most schemas: up to here no table grows.
constexpr std::size_t kUsualNodes = 1024;

constexpr std::uint32_t Above(std::uint32_t nesting) { return nesting + 1; }

std::uint32_t Decrement(std::uint32_t count) {
  return count == kUnbounded || count == 0 ? count : count - 1;
}

}  // namespace

RegexPool::RegexPool(std::size_t max_nodes)
    : max_nodes_(max_nodes), index_(kUsualNodes, Hash{this}, Same{this}) {
  nodes_.reserve(kUsualNodes);
  derivatives_.reserve(kUsualNodes);
  nodes_.push_back({.kind = Kind::kNothing, .emptiness = Emptiness::kNothing});
  nodes_.push_back({.kind = Kind::kEmpty, .matches_empty = true});
  const RegexId byte = Bytes(ByteSet::All());
  nodes_.push_back({.kind = Kind::kRepeat,
                    .matches_empty = true,
                    .is_finite = false,
                    .a = byte,
                    .b = 0,
                    .c = kUnbounded});
  // kAnyText must be what Repeat() makes of it, and stand at its fixed place.
  std::swap(nodes_[kAnyText], nodes_[kAnyText + 1]);
  nodes_[kAnyText].a = kAnyText + 1;
  index_.clear();
  index_.insert(kAnyText);
  index_.insert(kAnyText + 1);
}

std::size_t RegexPool::Hash::operator()(RegexId id) const {
  const Node& node = pool->nodes_[id];
  std::size_t seed = static_cast<std::size_t>(node.kind);
  switch (node.kind) {
    case Kind::kBytes:
      for (const std::uint64_t word : pool->sets_[node.a].words()) boost::hash_combine(seed, word);
      break;
    case Kind::kOr:
    case Kind::kAnd:
      for (const RegexId part : pool->Parts(node)) boost::hash_combine(seed, part);
      break;
    default:
      boost::hash_combine(seed, node.a);
      boost::hash_combine(seed, node.b);
      boost::hash_combine(seed, node.c);
      boost::hash_combine(seed, node.has_point);
  }
  return seed;
}

bool RegexPool::Same::operator()(RegexId x, RegexId y) const {
  const Node& a = pool->nodes_[x];
  const Node& b = pool->nodes_[y];
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kBytes:
      return pool->sets_[a.a] == pool->sets_[b.a];
    case Kind::kOr:
    case Kind::kAnd:
      return std::ranges::equal(pool->Parts(a), pool->Parts(b));
    default:
      return a.a == b.a && a.b == b.b && a.c == b.c && a.has_point == b.has_point;
  }
}

std::uint32_t RegexPool::DistanceOf(const Node& node) const {
  constexpr std::uint64_t kFar = 1'000'000;
  const auto of = [this](RegexId part) -> std::uint64_t { return nodes_[part].distance; };
  std::uint64_t distance = node.matches_empty ? 0 : 1;
  switch (node.kind) {
    case Kind::kConcat:
      distance = of(node.a) + of(node.b);
      break;
    case Kind::kOr:
      distance = kFar;
      for (const RegexId part : Parts(node)) distance = std::min(distance, of(part));
      break;
    case Kind::kAnd:
      distance = 0;
      for (const RegexId part : Parts(node)) distance += of(part);
      break;
    case Kind::kRepeat:
      distance = node.b * of(node.a);
      break;
    default:
      break;
  }
  return static_cast<std::uint32_t>(std::min(distance, kFar));
}

RegexId RegexPool::Intern(Node node) {
  node.distance = DistanceOf(node);
  const auto id = static_cast<RegexId>(nodes_.size());
  nodes_.push_back(node);
  const auto [found, is_new] = index_.insert(id);
  if (!is_new) {
    nodes_.pop_back();
    return *found;
  }
  if (nodes_.size() <= max_nodes_ && node.nesting <= kMaxNesting) return id;
  index_.erase(id);
  nodes_.pop_back();
  overflowed_ = true;
  return kNoText;
}

RegexId RegexPool::InternParts(Kind kind, std::span<const RegexId> parts) {
  const auto is_nullable = [this](RegexId part) { return nodes_[part].matches_empty; };
  const auto begin = parts_.size();
  const auto is_plain = [this](RegexId part) { return nodes_[part].is_plain; };
  const auto is_finite = [this](RegexId part) { return nodes_[part].is_finite; };
  const auto nesting_of = [this](RegexId part) { return nodes_[part].nesting; };
  const bool is_or = kind == Kind::kOr;
  Node node{.kind = kind,
            .matches_empty = is_or ? std::ranges::any_of(parts, is_nullable)
                                   : std::ranges::all_of(parts, is_nullable),
            .is_plain = is_or && std::ranges::all_of(parts, is_plain),
            .is_finite = is_or ? std::ranges::all_of(parts, is_finite)
                               : std::ranges::any_of(parts, is_finite),
            .nesting = Above(nodes_[std::ranges::max(parts, {}, nesting_of)].nesting),
            .a = static_cast<std::uint32_t>(begin),
            .b = static_cast<std::uint32_t>(parts.size())};
  parts_.insert(parts_.end(), parts.begin(), parts.end());
  const RegexId next = static_cast<RegexId>(nodes_.size());
  const RegexId id = Intern(node);
  if (id != next) parts_.resize(begin);
  return id;
}

RegexId RegexPool::Bytes(const ByteSet& set) {
  if (set.empty()) return kNoText;
  sets_.push_back(set);
  const RegexId next = static_cast<RegexId>(nodes_.size());
  const RegexId id =
      Intern({.kind = Kind::kBytes, .a = static_cast<std::uint32_t>(sets_.size() - 1)});
  if (id != next) sets_.pop_back();
  return id;
}

RegexId RegexPool::Literal(std::string_view text) {
  RegexId literal = kEmptyText;
  while (!text.empty()) {
    literal = Concat(Bytes(ByteSet::Of(static_cast<std::uint8_t>(text.back()))), literal);
    text.remove_suffix(1);
  }
  return literal;
}

RegexId RegexPool::Concat(RegexId first, RegexId then) {
  if (first == kNoText || then == kNoText) return kNoText;
  if (first == kEmptyText) return then;
  if (then == kEmptyText) return first;
  // A concatenation's first part is none: (ab)c is a(bc). Its length may be that of a text.
  List heads;
  for (; nodes_[first].kind == Kind::kConcat; first = nodes_[first].b)
    heads.push_back(nodes_[first].a);
  heads.push_back(first);
  for (const RegexId head : std::views::reverse(heads)) {
    if (then == kNoText) break;
    if (const RegexId joined = JoinRepeats(head, then); joined != kNoText) {
      then = joined;
      continue;
    }
    const Node& a = nodes_[head];
    const Node& b = nodes_[then];
    then = Intern({.kind = Kind::kConcat,
                   .matches_empty = a.matches_empty && b.matches_empty,
                   .is_plain = a.is_plain && b.is_plain,
                   .is_finite = a.is_finite && b.is_finite,
                   .nesting = Above(std::max(a.nesting, a.matches_empty ? b.nesting : 0U)),
                   .a = head,
                   .b = then});
  }
  return then;
}

// r{2,5}r{1,}s is r{3,}s; kNoText: no such repetitions.
RegexId RegexPool::JoinRepeats(RegexId head, RegexId then) {
  const bool has_rest = nodes_[then].kind == Kind::kConcat;
  const RegexId rest = has_rest ? nodes_[then].b : kEmptyText;
  const Node& a = nodes_[head];
  const Node& b = nodes_[has_rest ? nodes_[then].a : then];
  if (a.kind != Kind::kRepeat || b.kind != Kind::kRepeat || a.a != b.a) return kNoText;
  const bool is_bounded = a.c != kUnbounded && b.c != kUnbounded;
  if (std::uint64_t{a.b} + b.b >= kUnbounded) return kNoText;
  if (is_bounded && std::uint64_t{a.c} + b.c >= kUnbounded) return kNoText;
  const RegexId joined = Repeat(a.a, a.b + b.b, is_bounded ? a.c + b.c : kUnbounded);
  return has_rest ? Concat(joined, rest) : joined;
}

RegexId RegexPool::Concat(std::initializer_list<RegexId> parts) {
  RegexId whole = kEmptyText;
  for (const RegexId part : std::views::reverse(parts)) whole = Concat(part, whole);
  return whole;
}

RegexId RegexPool::OrOf(std::span<const RegexId> of) {
  List parts(of.begin(), of.end());
  std::ranges::sort(parts);
  parts.erase(std::ranges::unique(parts).begin(), parts.end());
  List flat;
  ByteSet bytes;
  const auto add = [&](RegexId part) {
    if (nodes_[part].kind == Kind::kBytes) {
      bytes = bytes | sets_[nodes_[part].a];
    } else if (part != kNoText) {
      flat.push_back(part);
    }
  };
  for (const RegexId part : parts) {
    if (part == kAnyText) return kAnyText;
    if (nodes_[part].kind == Kind::kOr) {
      std::ranges::for_each(Parts(nodes_[part]), add);
    } else {
      add(part);
    }
  }
  if (!bytes.empty()) flat.push_back(Bytes(bytes));
  JoinCounts(flat);
  return OrOfDistinct(flat);
}

// r{1,5}s|r{3,9}s is r{1,9}s: else a text that may stand at many counts at once, as that of
// (.{1,63}\.){1,127}, has as many parts.
void RegexPool::JoinCounts(List& parts) {
  struct Counted {
    RegexId then, part;
    std::uint32_t min, max;
    RegexId whole;
    auto operator<=>(const Counted&) const = default;
  };
  boost::container::small_vector<Counted, 8> counted;
  bool has_counts = false;
  for (const RegexId whole : parts) {
    const bool is_concat = nodes_[whole].kind == Kind::kConcat;
    const RegexId head = is_concat ? nodes_[whole].a : whole;
    const RegexId then = is_concat ? nodes_[whole].b : kEmptyText;
    const Node& node = nodes_[head];
    const bool is_repeat = node.kind == Kind::kRepeat;
    has_counts |= is_repeat;
    counted.push_back(is_repeat ? Counted{then, node.a, node.b, node.c, whole}
                                : Counted{then, head, 1, 1, whole});
  }
  if (!has_counts) return;
  std::ranges::sort(counted);
  parts.clear();
  for (std::size_t begin = 0; begin < counted.size();) {
    Counted all = counted[begin];
    std::size_t end = begin + 1;
    for (; end < counted.size(); ++end) {
      const Counted& next = counted[end];
      if (next.then != all.then || next.part != all.part) break;
      if (all.max != kUnbounded && next.min > all.max + 1) break;
      all.max = std::max(all.max, next.max);
    }
    parts.push_back(end == begin + 1 ? all.whole
                                     : Concat(Repeat(all.part, all.min, all.max), all.then));
    begin = end;
  }
}

// Texts that begin alike share what they begin with: a list of words becomes a tree of them, whose
// derivatives look at one branch.
RegexId RegexPool::OrOfDistinct(List& parts) {
  if (open_choices_ > kMaxNesting) {
    overflowed_ = true;
    return kNoText;
  }
  ++open_choices_;
  std::ranges::sort(parts);
  parts.erase(std::ranges::unique(parts).begin(), parts.end());
  std::ranges::sort(parts, {}, [this](RegexId part) {
    const bool is_concat = nodes_[part].kind == Kind::kConcat;
    return std::pair(is_concat ? nodes_[part].a : part, is_concat ? nodes_[part].b : kEmptyText);
  });
  List kept;
  for (std::size_t begin = 0; begin < parts.size();) {
    const bool is_concat = nodes_[parts[begin]].kind == Kind::kConcat;
    const RegexId head = is_concat ? nodes_[parts[begin]].a : parts[begin];
    List tails;
    std::size_t end = begin;
    for (; end < parts.size(); ++end) {
      const Node& node = nodes_[parts[end]];
      if (node.kind == Kind::kConcat ? node.a != head : parts[end] != head) break;
      tails.push_back(node.kind == Kind::kConcat ? node.b : kEmptyText);
    }
    kept.push_back(tails.size() == 1 ? parts[begin] : Concat(head, OrOf(tails)));
    begin = end;
  }
  --open_choices_;
  if (kept.size() > 1) {
    // The empty text says nothing beside a part that matches it.
    const bool others_match_empty = std::ranges::any_of(
        kept, [this](RegexId part) { return part != kEmptyText && MatchesEmpty(part); });
    if (others_match_empty) kept.erase(std::ranges::remove(kept, kEmptyText).begin(), kept.end());
  }
  if (kept.empty()) return kNoText;
  if (kept.size() == 1) return kept[0];
  std::ranges::sort(kept);
  return InternParts(Kind::kOr, kept);
}

RegexId RegexPool::AndOf(std::span<const RegexId> of) {
  List parts(of.begin(), of.end());
  std::ranges::sort(parts);
  parts.erase(std::ranges::unique(parts).begin(), parts.end());
  List flat;
  List negated;
  ByteSet bytes = ByteSet::All();
  bool has_bytes = false;
  const auto add = [&](RegexId part) {
    const Node& node = nodes_[part];
    if (node.kind == Kind::kBytes) {
      bytes = bytes & sets_[node.a];
      has_bytes = true;
    } else if (node.kind == Kind::kNot) {
      negated.push_back(node.a);
    } else if (part != kAnyText) {
      flat.push_back(part);
    }
  };
  for (const RegexId part : parts) {
    if (part == kNoText) return kNoText;
    if (nodes_[part].kind == Kind::kAnd) {
      const std::span<const RegexId> held = Parts(nodes_[part]);
      const List inner(held.begin(), held.end());
      std::ranges::for_each(inner, add);
    } else {
      add(part);
    }
  }
  if (has_bytes) flat.push_back(Bytes(bytes));
  // What is asked for and ruled out at once: to see that later may take every state of it.
  const auto is_asked_for = [&](RegexId part) {
    return std::ranges::find(flat, part) != flat.end();
  };
  for (const RegexId part : negated) {
    const bool has_parts = nodes_[part].kind == Kind::kOr;
    if (is_asked_for(part) || (has_parts && std::ranges::any_of(Parts(nodes_[part]), is_asked_for)))
      return kNoText;
  }
  if (!negated.empty()) {
    const RegexId none_of = OrOf(negated);
    if (none_of == kAnyText) return kNoText;
    if (none_of != kNoText) flat.push_back(Not(none_of));
  }
  std::ranges::sort(flat);
  flat.erase(std::ranges::unique(flat).begin(), flat.end());
  if (flat.empty()) return kAnyText;
  if (flat.size() == 1) return flat[0];
  if (flat[0] == kNoText) return kNoText;
  if (flat[0] == kEmptyText) {
    const bool all = std::ranges::all_of(flat, [this](RegexId part) { return MatchesEmpty(part); });
    return all ? kEmptyText : kNoText;
  }
  return InternParts(Kind::kAnd, flat);
}

RegexId RegexPool::Not(RegexId part) {
  if (nodes_[part].kind == Kind::kNot) return nodes_[part].a;
  if (part == kNoText) return kAnyText;
  if (part == kAnyText) return kNoText;
  return Intern({.kind = Kind::kNot,
                 .matches_empty = !nodes_[part].matches_empty,
                 .is_plain = false,
                 .is_finite = false,
                 .nesting = Above(nodes_[part].nesting),
                 .a = part});
}

RegexId RegexPool::Repeat(RegexId part, std::uint32_t min, std::uint32_t max) {
  if (min > max) return kNoText;
  if (max == 0 || part == kEmptyText) return kEmptyText;
  if (part == kNoText) return min == 0 ? kEmptyText : kNoText;
  if (min == 1 && max == 1) return part;
  const Node& node = nodes_[part];
  if (node.matches_empty) min = 0;
  if (node.kind == Kind::kRepeat && node.b <= 1 && node.c == kUnbounded && max >= 1) {
    // (r*)* and its like; (r+){2,} is not r+.
    if (node.b == 0 || min <= 1) return Repeat(node.a, node.b == 0 ? 0 : min, kUnbounded);
  }
  return Intern({.kind = Kind::kRepeat,
                 .matches_empty = min == 0,
                 .is_plain = node.is_plain,
                 .is_finite = node.is_finite && max != kUnbounded,
                 .nesting = Above(node.nesting),
                 .a = part,
                 .b = min,
                 .c = max});
}

RegexId RegexPool::Multiple(std::uint32_t divisor, std::uint32_t scale) {
  return MultipleState(0, divisor, scale, /*has_point=*/false);
}

RegexId RegexPool::MultipleState(std::uint64_t remainder, std::uint32_t divisor,
                                 std::uint32_t scale, bool has_point) {
  // What is still to come of the fraction is zeros if the text ends here.
  std::uint64_t at_end = remainder;
  for (std::uint32_t i = 0; i < scale; ++i) at_end = at_end * 10 % divisor;
  return Intern({.kind = Kind::kMultiple,
                 .matches_empty = at_end == 0,
                 .is_plain = false,
                 .is_finite = false,
                 .has_point = has_point,
                 .a = static_cast<std::uint32_t>(remainder),
                 .b = divisor,
                 .c = scale});
}

RegexId RegexPool::MultipleAfter(const Node& node, std::uint8_t byte) {
  if (byte == '.')
    return node.has_point ? kNoText : MultipleState(node.a, node.b, node.c, /*has_point=*/true);
  if (byte < '0' || byte > '9') return kNoText;
  const std::uint32_t digit = byte - '0';
  if (node.has_point && node.c == 0) {  // beyond the scale
    return digit == 0 ? MultipleState(node.a, node.b, 0, /*has_point=*/true) : kNoText;
  }
  const std::uint64_t remainder = (std::uint64_t{node.a} * 10 + digit) % node.b;
  return MultipleState(remainder, node.b, node.has_point ? node.c - 1 : node.c, node.has_point);
}

RegexId RegexPool::Derivative(RegexId id, std::uint8_t byte) {
  const Node& node = nodes_[id];
  if (node.kind == Kind::kBytes) return sets_[node.a].Has(byte) ? kEmptyText : kNoText;
  if (id <= kAnyText) return id == kAnyText ? kAnyText : kNoText;
  const std::uint64_t key = std::uint64_t{id} << 8 | byte;
  if (const auto found = derivatives_.find(key); found != derivatives_.end()) return found->second;
  const RegexId result = ComputeDerivative(id, byte);
  derivatives_.emplace(key, result);
  return result;
}

RegexId RegexPool::ComputeDerivative(RegexId id, std::uint8_t byte) {
  const Node node = nodes_[id];  // a copy: nodes move as others are made
  switch (node.kind) {
    case Kind::kConcat: {
      const RegexId first = Concat(Derivative(node.a, byte), node.b);
      if (!nodes_[node.a].matches_empty) return first;
      return Or({first, Derivative(node.b, byte)});
    }
    case Kind::kOr:
    case Kind::kAnd: {
      List parts;
      for (std::uint32_t i = 0; i < node.b; ++i) {
        const RegexId part = Derivative(parts_[node.a + i], byte);
        if (part == kNoText) {
          if (node.kind == Kind::kAnd) return kNoText;
          continue;
        }
        parts.push_back(part);
      }
      return node.kind == Kind::kOr ? OrOf(parts) : AndOf(parts);
    }
    case Kind::kNot:
      return Not(Derivative(node.a, byte));
    case Kind::kMultiple:
      return MultipleAfter(node, byte);
    case Kind::kRepeat:
      return Concat(Derivative(node.a, byte), Repeat(node.a, Decrement(node.b), Decrement(node.c)));
    default:
      return kNoText;
  }
}

}  // namespace kinglet
