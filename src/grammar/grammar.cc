// SPDX-License-Identifier: Apache-2.0
// What a finished grammar promises: from every point that a text can reach, some end can be
// reached.
#include "grammar/grammar.h"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <utility>

#include <boost/container_hash/hash.hpp>

namespace kinglet {

std::size_t Grammar::Hash::operator()(const Node& node) const {
  std::size_t seed = static_cast<std::size_t>(node.kind);
  boost::hash_combine(seed, node.a);
  boost::hash_combine(seed, node.b);
  boost::hash_combine(seed, node.c);
  return seed;
}

Grammar::NodeId Grammar::Intern(const Node& node) {
  const auto [found, is_new] = index_.try_emplace(node, static_cast<NodeId>(nodes_.size()));
  if (is_new) nodes_.push_back(node);
  return found->second;
}

Grammar::NodeId Grammar::Terminal(RegexId regex) {
  return regex == kEmptyText ? kEmpty : Intern({.kind = Kind::kTerminal, .a = regex});
}

Grammar::NodeId Grammar::Sequence(NodeId first, NodeId then) {
  if (first == kEmpty) return then;
  if (then == kEmpty) return first;
  // A sequence's first part is none.
  std::vector<NodeId> heads;
  for (; nodes_[first].kind == Kind::kSequence; first = nodes_[first].b)
    heads.push_back(nodes_[first].a);
  heads.push_back(first);
  for (const NodeId head : std::views::reverse(heads))
    then = Intern({.kind = Kind::kSequence, .a = head, .b = then});
  return then;
}

Grammar::NodeId Grammar::Sequence(std::initializer_list<NodeId> parts) {
  NodeId whole = kEmpty;
  for (const NodeId part : std::views::reverse(parts)) whole = Sequence(part, whole);
  return whole;
}

Grammar::NodeId Grammar::Choice(std::vector<NodeId> parts) {
  std::ranges::sort(parts);
  parts.erase(std::ranges::unique(parts).begin(), parts.end());
  if (parts.size() == 1) return parts[0];
  std::vector<NodeId>& alike = choices_[boost::hash_range(parts.begin(), parts.end())];
  for (const NodeId id : alike) {
    if (std::ranges::equal(Parts(nodes_[id]), parts)) return id;
  }
  const Node node{.kind = Kind::kChoice,
                  .a = static_cast<std::uint32_t>(parts_.size()),
                  .b = static_cast<std::uint32_t>(parts.size())};
  parts_.insert(parts_.end(), parts.begin(), parts.end());
  nodes_.push_back(node);
  alike.push_back(static_cast<NodeId>(nodes_.size() - 1));
  return alike.back();
}

Grammar::NodeId Grammar::Repeat(NodeId part, std::uint32_t min, std::uint32_t max) {
  if (max == 0 || part == kEmpty) return kEmpty;
  if (min == 1 && max == 1) return part;
  return Intern({.kind = Kind::kRepeat, .a = part, .b = min, .c = max});
}

Grammar::NodeId Grammar::AfterOneOf(const Node& repeat) {
  const std::uint32_t min = repeat.b == 0 ? 0 : repeat.b - 1;
  const std::uint32_t max = repeat.c == kUnbounded ? kUnbounded : repeat.c - 1;
  return Repeat(repeat.a, min, max);
}

Grammar::NodeId Grammar::NewRule(std::string name) {
  rules_.push_back({.name = std::move(name)});
  return Intern({.kind = Kind::kRule, .a = static_cast<std::uint32_t>(rules_.size() - 1)});
}

void Grammar::SetBody(NodeId rule, NodeId body) { rules_[nodes_[rule].a].body = body; }

bool Grammar::ComputeMatches(const Node& node) const {
  switch (node.kind) {
    case Kind::kEmpty:
      return true;
    case Kind::kTerminal:
      return !pool_->IsNothing(node.a);
    case Kind::kSequence:
      return matches_[node.a] && matches_[node.b];
    case Kind::kChoice:
      return std::ranges::any_of(Parts(node), [this](NodeId part) { return matches_[part]; });
    case Kind::kRepeat:
      return node.b == 0 || matches_[node.a];
    case Kind::kRule:
      return matches_[Body(node)];
  }
  return false;
}

template <typename Visit>
void Grammar::ForEachPart(const Node& node, const Visit& visit) const {
  switch (node.kind) {
    case Kind::kSequence:
      visit(node.a);
      visit(node.b);
      break;
    case Kind::kChoice:
      std::ranges::for_each(Parts(node), visit);
      break;
    case Kind::kRepeat:
      visit(node.a);
      break;
    case Kind::kRule:
      visit(Body(node));
      break;
    default:
      break;
  }
}

// The least set that its own rules allow: a rule that only leads to itself is not in it. A node is
// asked again when a part of it has come in, so that it takes no longer than the grammar is large.
template <typename Holds>
void Grammar::FindLeast(std::vector<bool>& set, const Holds& holds) const {
  std::vector<std::uint32_t> begin(nodes_.size() + 1, 0);  // of a node's users
  for (const Node& node : nodes_) ForEachPart(node, [&](NodeId part) { ++begin[part]; });
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<NodeId> users(begin.back());
  for (NodeId id = 0; id < nodes_.size(); ++id)
    ForEachPart(nodes_[id], [&](NodeId part) { users[--begin[part]] = id; });
  set.assign(nodes_.size(), false);
  std::vector<NodeId> open;
  const auto ask = [&](NodeId id) {
    if (set[id] || !holds(nodes_[id])) return;
    set[id] = true;
    open.push_back(id);
  };
  for (NodeId id = 0; id < nodes_.size(); ++id) ask(id);
  while (!open.empty()) {
    const NodeId part = open.back();
    open.pop_back();
    for (std::uint32_t i = begin[part]; i < begin[part + 1]; ++i) ask(users[i]);
  }
}

void Grammar::FindWhatMatches() {
  FindLeast(matches_, [this](const Node& node) { return ComputeMatches(node); });
}

std::vector<bool> Grammar::FindWhatMayBeEmpty() const {
  std::vector<bool> may_be_empty;
  FindLeast(may_be_empty, [&](const Node& node) -> bool {
    switch (node.kind) {
      case Kind::kEmpty:
        return true;
      case Kind::kTerminal:
        return pool_->MatchesEmpty(node.a);
      case Kind::kSequence:
        return may_be_empty[node.a] && may_be_empty[node.b];
      case Kind::kChoice:
        return std::ranges::any_of(Parts(node), [&](NodeId part) { return may_be_empty[part]; });
      case Kind::kRepeat:
        return node.b == 0 || may_be_empty[node.a];
      case Kind::kRule:
        return may_be_empty[Body(node)];
    }
    return false;
  });
  return may_be_empty;
}

Result<void> Grammar::RefuseLeftRecursion() const {
  const std::vector<bool> may_be_empty = FindWhatMayBeEmpty();
  // Depth first over what a node may begin with.
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  std::vector<Mark> marks(nodes_.size(), Mark::kNew);
  struct Visit {
    NodeId id;
    std::vector<NodeId> begins;
  };
  const auto begins_of = [&](const Node& node) -> std::vector<NodeId> {
    switch (node.kind) {
      case Kind::kSequence:
        return may_be_empty[node.a] ? std::vector{node.a, node.b} : std::vector{node.a};
      case Kind::kChoice:
        return {Parts(node).begin(), Parts(node).end()};
      case Kind::kRepeat:
        return {node.a};
      case Kind::kRule:
        return {Body(node)};
      default:
        return {};
    }
  };
  std::vector<Visit> path;
  for (NodeId start = 0; start < nodes_.size(); ++start) {
    if (marks[start] != Mark::kNew || nodes_[start].kind != Kind::kRule) continue;
    marks[start] = Mark::kOpen;
    path.push_back({start, begins_of(nodes_[start])});
    while (!path.empty()) {
      Visit& visit = path.back();
      if (visit.begins.empty()) {
        marks[visit.id] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const NodeId next = visit.begins.back();
      visit.begins.pop_back();
      if (marks[next] == Mark::kOpen) {
        const auto rule = std::ranges::find_if(
            path, [this](const Visit& of) { return nodes_[of.id].kind == Kind::kRule; });
        return Error(StatusCode::kInvalidInput, "the rule {:?} begins with itself",
                     rules_[nodes_[rule->id].a].name);
      }
      if (marks[next] == Mark::kNew) {
        marks[next] = Mark::kOpen;
        path.push_back({next, begins_of(nodes_[next])});
      }
    }
  }
  return {};
}

Result<void> Grammar::Finish(NodeId root) {
  root_ = root;
  FindWhatMatches();
  if (pool_->overflowed() || nodes_.size() > max_nodes_) {
    return Error(StatusCode::kInvalidInput,
                 "the grammar is too complex: {} nodes, {} of regular expressions", nodes_.size(),
                 pool_->size());
  }
  if (!matches_[root]) return Error(StatusCode::kInvalidInput, "no text can match");
  return RefuseLeftRecursion();
}

}  // namespace kinglet
