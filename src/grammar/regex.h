// SPDX-License-Identifier: Apache-2.0
// Regular expressions over bytes, matched by derivatives (Brzozowski 1964; Owens, Reppy and Turon,
// "Regular-expression derivatives re-examined", 2009): what may follow a byte is an expression
// again. "And" and "not" cost nothing extra, a bounded repetition is one node, and no automaton is
// built beyond what a text walks through. Equal expressions are one node, so an id is a state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "grammar/byte_set.h"

namespace kinglet {

using RegexId = std::uint32_t;  // of the pool that made it

inline constexpr RegexId kNoText = 0;     // the empty set of texts
inline constexpr RegexId kEmptyText = 1;  // the text without bytes
inline constexpr RegexId kAnyText = 2;    // every text
inline constexpr std::uint32_t kUnbounded = 0xFFFFFFFF;

class RegexPool {
 public:
  // Beyond so many nodes, or too many of them inside of each other, every operation returns
  // kNoText, and overflowed() says so.
  explicit RegexPool(std::size_t max_nodes = 300'000);

  RegexId Bytes(const ByteSet& set);
  RegexId Literal(std::string_view text);
  RegexId Concat(RegexId first, RegexId then);
  RegexId Concat(std::initializer_list<RegexId> parts);
  RegexId Or(const std::vector<RegexId>& parts) { return OrOf(parts); }
  RegexId And(const std::vector<RegexId>& parts) { return AndOf(parts); }
  RegexId Not(RegexId part);
  // Decimal digits, and at most one point behind the first of them, that are a multiple of
  // divisor / 10^scale: of 25 and 1, say, of 2.5. divisor is in 1..kMaxDivisor.
  RegexId Multiple(std::uint32_t divisor, std::uint32_t scale);
  static constexpr std::uint32_t kMaxDivisor = 100'000'000;
  // From min to max times, max included.
  RegexId Repeat(RegexId part, std::uint32_t min, std::uint32_t max);

  bool MatchesEmpty(RegexId id) const { return nodes_[id].matches_empty; }
  RegexId Derivative(RegexId id, std::uint8_t byte);
  // No text matches. Exact; explores expressions with "and" or "not" once.
  bool IsNothing(RegexId id);
  // Bytes that a text may begin with (a superset where there is "and" or "not").
  ByteSet FirstBytes(RegexId id) const;
  // Leaves in `alike` only bytes that Derivative() treats like this one.
  void KeepAlike(RegexId id, std::uint8_t byte, ByteSet& alike) const;
  // One byte of each class that Derivative() treats alike.
  std::vector<std::uint8_t> Representatives(RegexId id);

  // A repetition that texts of this language may begin with: whatever texts of `part` come first,
  // up to `max` of them, some text goes on so. 0: none is seen.
  struct Run {
    RegexId part = kNoText;
    std::uint32_t max = 0;
    RegexId whole = kNoText;  // the repetition and what follows it
  };
  // Adds those that a look at the expression finds.
  void LeadingRuns(RegexId id, std::vector<Run>& runs);

  std::size_t size() const { return nodes_.size(); }
  bool overflowed() const { return overflowed_; }

 private:
  enum class Kind : std::uint8_t {
    kNothing,
    kEmpty,
    kBytes,
    kConcat,
    kOr,
    kAnd,
    kNot,
    kRepeat,
    kMultiple,  // a: remainder so far, b: divisor, c: digits that the fraction may still have
  };
  enum class Emptiness : std::uint8_t { kUnknown, kSomething, kNothing };
  struct Node {
    Kind kind;
    bool matches_empty = false;
    bool is_plain =
        true;  // neither "and", "not" nor a multiple within: only kNoText matches nothing
    bool is_finite = true;   // only so many texts match, for sure
    bool has_point = false;  // kMultiple
    Emptiness emptiness = Emptiness::kUnknown;
    // Bytes of the shortest text; a guess where there is "and" or "not".
    std::uint32_t distance = 0;
    std::uint32_t nesting = 0;   // how deep a question about the next byte leads
    std::uint32_t a = 0;         // part, or index of a set, or begin of parts
    std::uint32_t b = 0;         // second part, or count of parts, or min
    std::uint32_t c = 0;         // max
    std::uint32_t question = 0;  // the last that came by
  };
  struct Hash {
    const RegexPool* pool;
    std::size_t operator()(RegexId id) const;
  };
  struct Same {
    const RegexPool* pool;
    bool operator()(RegexId x, RegexId y) const;
  };

  // Nearly all are short, and a derivative makes several.
  using List = boost::container::small_vector<RegexId, 8>;

  RegexId Intern(Node node);
  std::uint32_t DistanceOf(const Node& node) const;
  RegexId JoinRepeats(RegexId head, RegexId then);
  RegexId InternParts(Kind kind, std::span<const RegexId> parts);
  std::span<const RegexId> Parts(const Node& node) const {
    return std::span(parts_).subspan(node.a, node.b);
  }
  RegexId OrOf(std::span<const RegexId> parts);
  RegexId AndOf(std::span<const RegexId> parts);
  void JoinCounts(List& parts);
  RegexId OrOfDistinct(List& parts);
  RegexId MultipleState(std::uint64_t remainder, std::uint32_t divisor, std::uint32_t scale,
                        bool has_point);
  RegexId MultipleAfter(const Node& node, std::uint8_t byte);
  RegexId ComputeDerivative(RegexId id, std::uint8_t byte);
  bool IsSomething(RegexId id) const;
  bool HasKnownEnd(RegexId id);
  // kUnknown: more than max_steps are needed to tell.
  Emptiness EmptinessOf(RegexId id, std::size_t max_steps);
  bool Shorten(Run& run, RegexId conjunction, std::uint32_t of_part);
  class ByteClasses;
  void SplitByFirst(RegexId id, ByteClasses& classes);

  std::size_t max_nodes_;
  bool overflowed_ = false;
  std::uint32_t questions_ = 0;          // that look at each node once
  std::size_t emptiness_steps_ = 0;      // taken so far
  std::vector<std::string> known_ends_;  // of texts that match, the one used last first
  std::uint32_t open_choices_ = 0;       // Or() inside of Or()
  std::vector<Node> nodes_;
  std::vector<RegexId> parts_;
  std::vector<ByteSet> sets_;
  boost::unordered_flat_set<RegexId, Hash, Same> index_;
  boost::unordered_flat_map<std::uint64_t, RegexId> derivatives_;
};

}  // namespace kinglet
