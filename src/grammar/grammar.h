// SPDX-License-Identifier: Apache-2.0
// A context-free grammar whose terminals are regular languages. Nodes are made from the leaves up;
// equal nodes are one, so that a list of nodes still to be matched can be compared by its id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/status.h"
#include "grammar/regex.h"

namespace kinglet {

class Grammar {
 public:
  using NodeId = std::uint32_t;
  static constexpr NodeId kEmpty = 0;  // matches the empty text

  enum class Kind : std::uint8_t {
    kEmpty,
    kTerminal,  // a: RegexId
    kSequence,  // a, then b
    kChoice,    // one of Parts()
    kRepeat,    // a, from b to c times
    kRule,      // the body of rule a
  };
  struct Node {
    Kind kind = Kind::kEmpty;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    std::uint32_t c = 0;
    bool operator==(const Node&) const = default;
  };

  explicit Grammar(std::size_t max_nodes = 1'000'000)
      : pool_(std::make_unique<RegexPool>()), max_nodes_(max_nodes) {
    nodes_.push_back({});
  }

  RegexPool& regex() { return *pool_; }

  NodeId Terminal(RegexId regex);
  NodeId Literal(std::string_view text) { return Terminal(pool_->Literal(text)); }
  NodeId Sequence(std::initializer_list<NodeId> parts);
  NodeId Sequence(NodeId first, NodeId then);
  NodeId Choice(std::vector<NodeId> parts);
  NodeId Repeat(NodeId part, std::uint32_t min, std::uint32_t max);

  // A rule may be used before its body is known. Names are for errors.
  NodeId NewRule(std::string name);
  void SetBody(NodeId rule, NodeId body);

  // Takes what the grammar describes, once. Errors: kInvalidInput where no text matches, where a
  // rule begins with itself, or where a limit is passed.
  Result<void> Finish(NodeId root);

  NodeId root() const { return root_; }
  const Node& node(NodeId id) const { return nodes_[id]; }
  std::span<const NodeId> Parts(const Node& node) const {
    return std::span(parts_).subspan(node.a, node.b);
  }
  NodeId Body(const Node& rule) const { return rules_[rule.a].body; }
  // What is left of a repetition after one more.
  NodeId AfterOneOf(const Node& repeat);
  // Some text matches. What does not is never tried. Known when finished.
  bool MatchesSomething(NodeId id) const { return id >= matches_.size() || matches_[id]; }

 private:
  struct Rule {
    std::string name;
    NodeId body = kEmpty;
  };
  struct Hash {
    std::size_t operator()(const Node& node) const;
  };

  NodeId Intern(const Node& node);
  template <typename Visit>
  void ForEachPart(const Node& node, const Visit& visit) const;
  template <typename Holds>
  void FindLeast(std::vector<bool>& set, const Holds& holds) const;
  void FindWhatMatches();
  std::vector<bool> FindWhatMayBeEmpty() const;
  Result<void> RefuseLeftRecursion() const;
  bool ComputeMatches(const Node& node) const;

  std::unique_ptr<RegexPool> pool_;
  std::size_t max_nodes_;
  std::vector<Node> nodes_;
  std::vector<NodeId> parts_;
  std::vector<Rule> rules_;
  boost::unordered_flat_map<Node, NodeId, Hash> index_;
  // Choices by their parts, since Node holds only where they are.
  boost::unordered_flat_map<std::size_t, std::vector<NodeId>> choices_;
  std::vector<bool> matches_;  // by node
  NodeId root_ = kEmpty;
};

}  // namespace kinglet
