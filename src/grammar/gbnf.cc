// SPDX-License-Identifier: Apache-2.0
// Recursive descent to a tree of each rule; then rules that lead to no recursion become regular
// expressions, which a matcher walks faster than it calls rules.
#include "grammar/gbnf.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "grammar/code_points.h"

namespace kinglet {
namespace {

constexpr int kMaxDepth = 100;
constexpr int kMaxNesting = 1000;  // of rules, groups and repetitions inside of each other
constexpr std::uint32_t kMaxCount = 1'000'000;

struct Tree {
  enum class Kind : std::uint8_t { kText, kRule, kSequence, kChoice, kRepetition };
  Kind kind = Kind::kSequence;
  RegexId text = kEmptyText;  // kText
  std::string rule = {};      // kRule
  std::size_t line = 0;
  std::uint32_t min = 0;  // kRepetition of child 0
  std::uint32_t max = 0;
  std::vector<Tree> children = {};
};

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class Parser {
 public:
  Parser(std::string_view text, RegexPool& pool) : rest_(text), pool_(pool) {}

  Result<std::map<std::string, Tree>> Parse() {
    std::map<std::string, Tree> rules;
    for (SkipBlanks(/*lines=*/true); !rest_.empty(); SkipBlanks(/*lines=*/true)) {
      const std::string name = TakeName();
      if (name.empty()) return Fault("a rule's name is missing");
      SkipBlanks(/*lines=*/false);
      if (!Take("::=")) return Fault("\"::=\" is missing");
      SkipBlanks(/*lines=*/true);
      if (!rules.try_emplace(name, TRY(Choice(0))).second) return Fault("a rule is given twice");
      if (!rest_.empty() && rest_[0] != '\n' && rest_[0] != '\r')
        return Fault("what follows a rule is none");
    }
    return rules;
  }

 private:
  std::unexpected<Status> Fault(std::string_view what) const {
    return Error(StatusCode::kInvalidInput, "the grammar, line {}: {}", line_, what);
  }

  bool Take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  void SkipBlanks(bool lines) {
    while (!rest_.empty()) {
      if (rest_[0] == '#') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_[0] == ' ' || rest_[0] == '\t' ||
                 (lines && (rest_[0] == '\n' || rest_[0] == '\r'))) {
        if (rest_[0] == '\n') ++line_;
        rest_.remove_prefix(1);
      } else {
        return;
      }
    }
  }

  std::string TakeName() {
    const auto end = std::ranges::find_if_not(rest_, IsNameCharacter);
    const std::string name(rest_.begin(), end);
    rest_.remove_prefix(name.size());
    return name;
  }

  Result<Tree> Choice(int depth) {
    if (depth > kMaxDepth) return Fault("groups are too deep");
    Tree choice{.kind = Tree::Kind::kChoice, .line = line_};
    const bool in_group = depth > 0;
    while (true) {
      Tree sequence{.kind = Tree::Kind::kSequence, .line = line_};
      while (true) {
        SkipBlanks(in_group);
        if (rest_.empty() || rest_[0] == '|' || rest_[0] == ')' || rest_[0] == '\n' ||
            rest_[0] == '\r')
          break;
        sequence.children.push_back(TRY(Element(depth)));
      }
      choice.children.push_back(std::move(sequence));
      const std::string_view before = rest_;
      const std::size_t line = line_;
      SkipBlanks(/*lines=*/true);  // alternatives may go on below
      if (Take("|")) {
        SkipBlanks(/*lines=*/true);
        continue;
      }
      if (!in_group) {
        rest_ = before;
        line_ = line;
      }
      return choice;
    }
  }

  Result<Tree> Element(int depth) {
    Tree element{.kind = Tree::Kind::kText, .line = line_};
    if (Take("\"")) {
      element.text = TRY(Literal());
    } else if (Take("[")) {
      element.text = TRY(Class());
    } else if (Take(".")) {
      element.text = CodePointSet::All().ToRegex(pool_, TextEncoding::kUtf8);
    } else if (Take("(")) {
      element = TRY(Choice(depth + 1));
      if (!Take(")")) return Fault("a ) is missing");
    } else {
      element.kind = Tree::Kind::kRule;
      element.rule = TakeName();
      if (element.rule.empty()) return Fault("this is no part of a rule");
    }
    return Repeated(std::move(element));
  }

  Result<Tree> Repeated(Tree element) {
    for (int count = 0;; ++count) {
      if (count > kMaxDepth) return Fault("repetitions are too deep");
      std::uint32_t min = 0;
      std::uint32_t max = kUnbounded;
      if (Take("*")) {
      } else if (Take("+")) {
        min = 1;
      } else if (Take("?")) {
        max = 1;
      } else if (Take("{")) {
        min = TRY(Count());
        max = min;
        if (Take(",")) max = rest_.starts_with('}') ? kUnbounded : TRY(Count());
        if (!Take("}")) return Fault("a } is missing");
        if (min > max) return Fault("counts are in the wrong order");
      } else {
        return element;
      }
      Tree repetition{.kind = Tree::Kind::kRepetition, .line = line_, .min = min, .max = max};
      repetition.children.push_back(std::move(element));
      element = std::move(repetition);
    }
  }

  Result<std::uint32_t> Count() {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), count);
    if (error != std::errc() || count > kMaxCount)
      return Fault("a count from 0 to 1000000 is missing");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return count;
  }

  Result<char32_t> Character() {
    if (rest_.empty() || rest_[0] == '\n') return Fault("the end of a literal or class is missing");
    if (!Take("\\")) {
      const Utf8Character c = DecodeUtf8(rest_);
      rest_.remove_prefix(c.size_bytes);
      return c.code_point;
    }
    constexpr std::string_view kNames = "nrt\\\"[]-^/'";
    constexpr std::string_view kMeanings = "\n\r\t\\\"[]-^/'";
    for (const auto& [letter, digits] : {std::pair("x", 2), std::pair("u", 4), std::pair("U", 8)}) {
      if (!Take(letter)) continue;
      std::uint32_t value = 0;
      const std::string_view text = rest_.substr(0, static_cast<std::size_t>(digits));
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
      if (error != std::errc() || end != text.data() + digits)
        return Fault("an escape has too few digits");
      rest_.remove_prefix(static_cast<std::size_t>(digits));
      return static_cast<char32_t>(value);
    }
    const std::size_t known = rest_.empty() ? std::string_view::npos : kNames.find(rest_[0]);
    if (known == std::string_view::npos) return Fault("an escape is not known");
    rest_.remove_prefix(1);
    return static_cast<char32_t>(kMeanings[known]);
  }

  Result<RegexId> Literal() {
    std::string text;
    while (!Take("\"")) AppendUtf8(TRY(Character()), text);
    return pool_.Literal(text);
  }

  Result<RegexId> Class() {
    const bool negated = Take("^");
    CodePointSet set;
    while (!Take("]")) {
      const char32_t first = TRY(Character());
      char32_t last = first;
      if (rest_.starts_with('-') && !rest_.starts_with("-]")) {
        Take("-");
        last = TRY(Character());
        if (last < first) return Fault("a range is in the wrong order");
      }
      set.Add(first, last);
    }
    return (negated ? set.Complement() : set).ToRegex(pool_, TextEncoding::kUtf8);
  }

  std::string_view rest_;
  std::size_t line_ = 1;
  RegexPool& pool_;
};

// Rules as expressions where they are regular, as rules of the grammar where they are not.
class Builder {
 public:
  Builder(const std::map<std::string, Tree>& rules, Grammar& grammar)
      : rules_(rules), grammar_(grammar) {}

  Result<Grammar::NodeId> Rule(const std::string& name, std::size_t line) {
    const Nesting nesting(nesting_);
    if (nesting_ > kMaxNesting) return TooDeep(line);
    const auto tree = rules_.find(name);
    if (tree == rules_.end()) {
      return Error(StatusCode::kInvalidInput, "the grammar, line {}: there is no rule {:?}", line,
                   name);
    }
    if (const auto done = nodes_.find(name); done != nodes_.end()) return done->second;
    if (const auto regex = Regular(name)) return nodes_[name] = grammar_.Terminal(*regex);
    if (is_too_deep_) return TooDeep(line);
    const Grammar::NodeId rule = grammar_.NewRule(name);
    nodes_[name] = rule;
    grammar_.SetBody(rule, TRY(Node(tree->second)));
    return rule;
  }

 private:
  class Nesting {
   public:
    explicit Nesting(int& count) : count_(count) { ++count_; }
    ~Nesting() { --count_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    int& count_;
  };

  static std::unexpected<Status> TooDeep(std::size_t line) {
    return Error(StatusCode::kInvalidInput, "the grammar, line {}: rules lead too deep", line);
  }

  // Nothing where the rule is not regular for all that is seen: it leads back to itself.
  std::optional<RegexId> Regular(const std::string& name) {
    const auto [found, is_new] = regular_.try_emplace(name);
    if (!is_new) return found->second;  // nothing while it is open
    const auto tree = rules_.find(name);
    if (tree == rules_.end()) return std::nullopt;
    const auto regex = Regular(tree->second);
    regular_[name] = regex;
    return regex;
  }

  std::optional<RegexId> Regular(const Tree& tree) {
    const Nesting nesting(nesting_);
    if (nesting_ > kMaxNesting) {
      is_too_deep_ = true;
      return std::nullopt;
    }
    RegexPool& pool = grammar_.regex();
    if (tree.kind == Tree::Kind::kText) return tree.text;
    if (tree.kind == Tree::Kind::kRule) return Regular(tree.rule);
    std::vector<RegexId> parts;
    for (const Tree& child : tree.children) {
      const auto part = Regular(child);
      if (!part) return std::nullopt;
      parts.push_back(*part);
    }
    if (tree.kind == Tree::Kind::kChoice) return pool.Or(parts);
    if (tree.kind == Tree::Kind::kRepetition) return pool.Repeat(parts[0], tree.min, tree.max);
    RegexId whole = kEmptyText;
    while (!parts.empty()) {
      whole = pool.Concat(parts.back(), whole);
      parts.pop_back();
    }
    return whole;
  }

  Result<Grammar::NodeId> Node(const Tree& tree) {
    const Nesting nesting(nesting_);
    if (nesting_ > kMaxNesting) return TooDeep(tree.line);
    if (tree.kind == Tree::Kind::kRule) return Rule(tree.rule, tree.line);
    if (const auto regex = Regular(tree)) return grammar_.Terminal(*regex);
    std::vector<Grammar::NodeId> parts;
    for (const Tree& child : tree.children) parts.push_back(TRY(Node(child)));
    if (tree.kind == Tree::Kind::kChoice) return grammar_.Choice(std::move(parts));
    if (tree.kind == Tree::Kind::kRepetition) return grammar_.Repeat(parts[0], tree.min, tree.max);
    Grammar::NodeId whole = Grammar::kEmpty;
    while (!parts.empty()) {
      whole = grammar_.Sequence(parts.back(), whole);
      parts.pop_back();
    }
    return whole;
  }

  const std::map<std::string, Tree>& rules_;
  Grammar& grammar_;
  std::map<std::string, std::optional<RegexId>> regular_;
  std::map<std::string, Grammar::NodeId> nodes_;
  int nesting_ = 0;
  bool is_too_deep_ = false;
};

}  // namespace

Result<Grammar> ParseGbnf(std::string_view text) {
  if (!IsUtf8(text)) return Error(StatusCode::kInvalidInput, "the grammar is not UTF-8");
  Grammar grammar;
  const std::map<std::string, Tree> rules = TRY(Parser(text, grammar.regex()).Parse());
  const Grammar::NodeId root = TRY(Builder(rules, grammar).Rule("root", 1));
  TRY(grammar.Finish(root));
  return grammar;
}

}  // namespace kinglet
