// SPDX-License-Identifier: Apache-2.0
// From a pattern's tree to a language, from right to left, so that a look-ahead knows all that
// follows.
#include "grammar/pattern.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "grammar/pattern_syntax.h"

namespace kinglet {
namespace {

using Kind = PatternNode::Kind;

constexpr std::size_t kMaxBranches = 256;

bool Contains(const PatternNode& node, Kind kind) {
  return node.kind == kind || std::ranges::any_of(node.children, [kind](const PatternNode& child) {
           return Contains(child, kind);
         });
}

bool HasLookAhead(const PatternNode& node) {
  return Contains(node, Kind::kAhead) || Contains(node, Kind::kNotAhead);
}

// A branch of a pattern, its anchors taken off.
struct Branch {
  std::vector<PatternNode> parts;
  bool from_begin = false;
  bool to_end = false;
};

class Compiler {
 public:
  Compiler(RegexPool& pool, TextEncoding encoding, std::string_view pattern)
      : pool_(pool), encoding_(encoding), pattern_(pattern) {
    if (encoding != TextEncoding::kJsonString) return;
    quote_ = pool.Literal("\"");
    any_ = pool.Repeat(CodePointSet::All().ToRegex(pool, encoding), 0, kUnbounded);
  }

  Result<RegexId> Compile(const PatternNode& choice) {
    std::vector<RegexId> ways;
    for (const Branch& branch : TRY(Branches(choice))) {
      const RegexId body =
          TRY(Sequence(branch.parts, branch.to_end ? quote_ : pool_.Concat(any_, quote_)));
      ways.push_back(pool_.Concat({quote_, branch.from_begin ? kEmptyText : any_, body}));
    }
    const RegexId whole = pool_.Or(ways);
    if (pool_.IsNothing(whole)) {
      return pool_.overflowed() ? Fault("is too complex") : Fault("matches no text");
    }
    return whole;
  }

 private:
  std::unexpected<Status> Fault(std::string_view what) const {
    return Error(StatusCode::kInvalidInput, "the pattern {:?} {}", pattern_, what);
  }

  // Groups that hold an anchor at their edge are multiplied out, so that each branch says at its
  // own edges whether it is bound to them.
  Result<std::vector<Branch>> Branches(const PatternNode& choice) {
    std::vector<Branch> open;
    std::vector<Branch> done;
    for (const PatternNode& sequence : choice.children)
      open.push_back({.parts = sequence.children});
    while (!open.empty()) {
      Branch branch = std::move(open.back());
      open.pop_back();
      std::vector<PatternNode>& parts = branch.parts;
      while (!parts.empty() && parts.front().kind == Kind::kBegin) {
        parts.erase(parts.begin());
        branch.from_begin = true;
      }
      while (!parts.empty() && parts.back().kind == Kind::kEnd) {
        parts.pop_back();
        branch.to_end = true;
      }
      const auto opens = [&](std::size_t at, Kind anchor) {
        return at < parts.size() && parts[at].kind == Kind::kChoice && Contains(parts[at], anchor);
      };
      std::size_t at = parts.size();
      if (opens(0, Kind::kBegin)) {
        at = 0;
      } else if (!parts.empty() && opens(parts.size() - 1, Kind::kEnd)) {
        at = parts.size() - 1;
      }
      if (at == parts.size()) {
        done.push_back(std::move(branch));
      } else {
        const PatternNode group = std::move(parts[at]);
        for (const PatternNode& sequence : group.children) {
          Branch with = branch;
          with.parts.erase(with.parts.begin() + static_cast<std::ptrdiff_t>(at));
          with.parts.insert(with.parts.begin() + static_cast<std::ptrdiff_t>(at),
                            sequence.children.begin(), sequence.children.end());
          open.push_back(std::move(with));
        }
      }
      if (open.size() + done.size() > kMaxBranches)
        return Fault("has too many ways to be anchored");
    }
    return done;
  }

  Result<RegexId> Sequence(const std::vector<PatternNode>& parts, RegexId tail) {
    for (std::size_t i = parts.size(); i-- > 0;) tail = TRY(Before(parts[i], tail));
    return tail;
  }

  // What matches the node and then the tail, to the end of the text.
  Result<RegexId> Before(const PatternNode& node, RegexId tail) {
    if (node.kind == Kind::kAhead || node.kind == Kind::kNotAhead) {
      const RegexId seen = TRY(Ahead(node.children[0]));
      return pool_.And({node.kind == Kind::kAhead ? seen : pool_.Not(seen), tail});
    }
    if (node.kind == Kind::kChoice && HasLookAhead(node)) {
      std::vector<RegexId> ways;
      for (const PatternNode& sequence : node.children) {
        ways.push_back(TRY(Sequence(sequence.children, tail)));
      }
      return pool_.Or(ways);
    }
    return pool_.Concat(TRY(Alone(node)), tail);
  }

  // All that may follow where a look-ahead succeeds.
  Result<RegexId> Ahead(const PatternNode& choice) {
    std::vector<RegexId> ways;
    for (const Branch& branch : TRY(Branches(choice))) {
      if (branch.from_begin) return Fault("has an anchor where it cannot be enforced");
      ways.push_back(TRY(Sequence(branch.parts, branch.to_end ? quote_ : kAnyText)));
    }
    return pool_.Or(ways);
  }

  // The texts that a node matches, whatever is around them.
  Result<RegexId> Alone(const PatternNode& node) {
    switch (node.kind) {
      case Kind::kSet:
        return node.set.ToRegex(pool_, encoding_);
      case Kind::kRepetition:
        return pool_.Repeat(TRY(Alone(node.children[0])), node.min, node.max);
      case Kind::kChoice: {
        std::vector<RegexId> ways;
        for (const PatternNode& sequence : node.children) ways.push_back(TRY(Alone(sequence)));
        return pool_.Or(ways);
      }
      case Kind::kSequence: {
        RegexId whole = kEmptyText;
        for (std::size_t i = node.children.size(); i-- > 0;) {
          whole = pool_.Concat(TRY(Alone(node.children[i])), whole);
        }
        return whole;
      }
      case Kind::kAhead:
      case Kind::kNotAhead:
        return Fault("has a look-ahead in a repetition, which cannot be enforced");
      default:
        return Fault("has an anchor where it cannot be enforced");
    }
  }

  RegexPool& pool_;
  TextEncoding encoding_;
  std::string_view pattern_;
  RegexId quote_ = kEmptyText;  // the edges of a text
  RegexId any_ = kEmptyText;    // what may stand before a match and behind it
};

}  // namespace

Result<RegexId> CompilePattern(RegexPool& pool, std::string_view pattern) {
  const PatternNode choice = TRY(ParsePattern(pattern));
  return Compiler(pool, TextEncoding::kUtf8, pattern).Compile(choice);
}

Result<RegexId> CompileStringPattern(RegexPool& pool, std::string_view pattern) {
  const PatternNode choice = TRY(ParsePattern(pattern));
  return Compiler(pool, TextEncoding::kJsonString, pattern).Compile(choice);
}

}  // namespace kinglet
