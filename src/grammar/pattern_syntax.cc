// SPDX-License-Identifier: Apache-2.0
// Recursive descent over ECMA-262's grammar of patterns.
#include "grammar/pattern_syntax.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include <unicode/uniset.h>

#include "base/utf8.h"
#include "grammar/character_classes.h"

namespace kinglet {
namespace {

constexpr int kMaxDepth = 100;
constexpr std::uint32_t kMaxCount = 1'000'000;

using Kind = PatternNode::Kind;

CodePointSet Digits() { return {{U'0', U'9'}}; }
CodePointSet WordCharacters() { return {{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}}; }
CodePointSet LineEnds() { return {{U'\n', U'\n'}, {U'\r', U'\r'}, {0x2028, 0x2029}}; }
CodePointSet Blanks() {
  CodePointSet blanks = CharactersOf(ClassOf(0xA0));
  blanks.Add({{U'\t', U'\r'}, {U' ', U' '}});
  return blanks;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : rest_(pattern), whole_(pattern) {}

  Result<PatternNode> Parse() {
    auto choice = TRY(Choice(0));
    if (!rest_.empty()) return Fault("an unmatched )");
    return choice;
  }

 private:
  std::unexpected<Status> Fault(std::string_view what) const {
    return Error(StatusCode::kInvalidInput, "the pattern {:?} has {} at byte {}", whole_, what,
                 whole_.size() - rest_.size());
  }

  bool At(std::string_view text) const { return rest_.starts_with(text); }
  bool Take(std::string_view text) {
    if (!At(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  char32_t TakeCharacter() {
    const Utf8Character character = DecodeUtf8(rest_);
    rest_.remove_prefix(character.size_bytes);
    return character.code_point;
  }

  Result<PatternNode> Choice(int depth) {
    if (depth > kMaxDepth) return Fault("groups that are too deep");
    PatternNode choice{.kind = Kind::kChoice};
    do {
      PatternNode sequence{.kind = Kind::kSequence};
      while (!rest_.empty() && !At("|") && !At(")")) sequence.children.push_back(TRY(Term(depth)));
      choice.children.push_back(std::move(sequence));
    } while (Take("|"));
    return choice;
  }

  Result<PatternNode> Term(int depth) {
    if (Take("^")) return PatternNode{.kind = Kind::kBegin};
    if (Take("$")) return PatternNode{.kind = Kind::kEnd};
    PatternNode atom;
    if (At("(")) {
      atom = TRY(Group(depth));
      if (atom.kind == Kind::kAhead || atom.kind == Kind::kNotAhead) return atom;
    } else if (TRY(AtQuantifier())) {
      return Fault("nothing to repeat");
    } else {
      atom = {.kind = Kind::kSet, .set = TRY(Atom())};
    }
    return Quantified(std::move(atom));
  }

  Result<PatternNode> Group(int depth) {
    Take("(");
    Kind kind = Kind::kChoice;
    if (Take("?=")) {
      kind = Kind::kAhead;
    } else if (Take("?!")) {
      kind = Kind::kNotAhead;
    } else if (At("?<=") || At("?<!")) {
      return Fault("a look-behind, which cannot be enforced,");
    } else if (Take("?<") || Take("?P<")) {
      const std::size_t end = rest_.find('>');
      if (end == std::string_view::npos) return Fault("a group's name without >");
      rest_.remove_prefix(end + 1);
    } else if (At("?") && !Take("?:")) {
      return Fault("a kind of group that is not known");
    }
    auto inner = TRY(Choice(depth + 1));
    if (!Take(")")) return Fault("an unmatched (");
    if (kind == Kind::kChoice) return inner;
    PatternNode ahead{.kind = kind};
    ahead.children.push_back(std::move(inner));
    return ahead;
  }

  Result<PatternNode> Quantified(PatternNode atom) {
    std::uint32_t min = 0;
    std::uint32_t max = kUnbounded;
    if (Take("*")) {
    } else if (Take("+")) {
      min = 1;
    } else if (Take("?")) {
      max = 1;
    } else if (const auto counts = TRY(Counts())) {
      std::tie(min, max) = *counts;
    } else {
      return atom;
    }
    Take("?");  // which of the matches is preferred does not matter here
    PatternNode repetition{.kind = Kind::kRepetition, .min = min, .max = max};
    repetition.children.push_back(std::move(atom));
    return repetition;
  }

  Result<bool> AtQuantifier() {
    if (At("*") || At("+") || At("?")) return true;
    const std::string_view before = rest_;
    const bool counts = TRY(Counts()).has_value();
    rest_ = before;
    return counts;
  }

  // {2}, {2,} or {2,3}; a brace that is none of them stands for itself.
  Result<std::optional<std::pair<std::uint32_t, std::uint32_t>>> Counts() {
    const std::string_view before = rest_;
    const auto number = [this](std::uint32_t& count) {
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), count);
      const auto size = static_cast<std::size_t>(end - rest_.data());
      rest_.remove_prefix(size);
      if (error == std::errc::result_out_of_range) count = kUnbounded - 1;
      return size > 0;
    };
    std::uint32_t min = 0;
    std::uint32_t max = kUnbounded;
    if (!Take("{") || !number(min)) {
      rest_ = before;
      return std::nullopt;
    }
    if (!Take(",")) {
      max = min;
    } else if (!At("}") && !number(max)) {
      rest_ = before;
      return std::nullopt;
    }
    if (!Take("}")) {
      rest_ = before;
      return std::nullopt;
    }
    if (min > kMaxCount || (max != kUnbounded && max > kMaxCount))
      return Fault("a count above 1000000");
    if (min > max) return Fault("counts in the wrong order");
    return std::pair(min, max);
  }

  Result<CodePointSet> Atom() {
    if (Take(".")) return LineEnds().Complement();
    if (Take("[")) return Class();
    if (At("\\")) return Escape(/*in_class=*/false);
    const char32_t c = TakeCharacter();
    return CodePointSet{{c, c}};
  }

  Result<CodePointSet> Class() {
    const bool negated = Take("^");
    CodePointSet set;
    while (!Take("]")) {
      if (rest_.empty()) return Fault("an unmatched [");
      const CodePointSet first = TRY(ClassAtom());
      if (!At("-") || At("-]")) {
        set.Add(first);
        continue;
      }
      Take("-");
      if (rest_.empty()) return Fault("an unmatched [");
      const CodePointSet last = TRY(ClassAtom());
      const auto single = [](const CodePointSet& of) {
        return of.ranges().size() == 1 && of.ranges()[0].first == of.ranges()[0].last;
      };
      if (!single(first) || !single(last)) {  // as [\w-.]: the dash stands for itself
        set.Add(first);
        set.Add(U'-', U'-');
        set.Add(last);
        continue;
      }
      if (first.ranges()[0].first > last.ranges()[0].first)
        return Fault("a range in the wrong order");
      set.Add(first.ranges()[0].first, last.ranges()[0].first);
    }
    return negated ? set.Complement() : set;
  }

  Result<CodePointSet> ClassAtom() {
    if (At("\\")) return Escape(/*in_class=*/true);
    const char32_t c = TakeCharacter();
    return CodePointSet{{c, c}};
  }

  Result<CodePointSet> Escape(bool in_class) {
    Take("\\");
    if (rest_.empty()) return Fault("a \\ at its end");
    const char32_t c = TakeCharacter();
    const auto one = [](char32_t code_point) { return CodePointSet{{code_point, code_point}}; };
    switch (c) {
      case U'd':
        return Digits();
      case U'D':
        return Digits().Complement();
      case U'w':
        return WordCharacters();
      case U'W':
        return WordCharacters().Complement();
      case U's':
        return Blanks();
      case U'S':
        return Blanks().Complement();
      case U't':
        return one(U'\t');
      case U'n':
        return one(U'\n');
      case U'v':
        return one(U'\v');
      case U'f':
        return one(U'\f');
      case U'r':
        return one(U'\r');
      case U'0':
        return one(U'\0');
      case U'b':
        if (in_class) return one(U'\b');
        return Fault("a word boundary, which cannot be enforced,");
      case U'c':
        return Control();
      case U'x':
        return one(TRY(Hexadecimal(2)));
      case U'u':
        return UnicodeEscape();
      case U'p':
        return Property(/*negated=*/false);
      case U'P':
        return Property(/*negated=*/true);
      default:
        break;
    }
    if (c < 0x80 && WordCharacters().Has(c) && c != U'_') {
      return c >= U'1' && c <= U'9' && !in_class
                 ? Fault("a back reference, which cannot be enforced,")
                 : Fault("an escape that is not known");
    }
    return one(c);
  }

  Result<CodePointSet> Control() {
    if (rest_.empty() || !std::isalpha(static_cast<unsigned char>(rest_[0]))) {
      return Fault("an escape that is not known");
    }
    const auto c = static_cast<char32_t>(rest_[0] % 32);
    rest_.remove_prefix(1);
    return CodePointSet{{c, c}};
  }

  Result<char32_t> Hexadecimal(std::size_t digits) {
    std::uint32_t value = 0;
    const std::string_view text = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + digits)
      return Fault("an escape without its digits");
    rest_.remove_prefix(digits);
    return static_cast<char32_t>(value);
  }

  Result<CodePointSet> UnicodeEscape() {
    char32_t c = 0;
    if (Take("{")) {
      const std::size_t digits = rest_.find('}');
      if (digits > 6) return Fault("an escape without its digits");  // npos is more
      c = TRY(Hexadecimal(digits));
      Take("}");
    } else {
      c = TRY(Hexadecimal(4));
      if (c >= 0xD800 && c < 0xDC00 && Take("\\u")) {
        const char32_t low = TRY(Hexadecimal(4));
        if (low < 0xDC00 || low > 0xDFFF) return Fault("half of a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10U) + (low - 0xDC00);
      }
    }
    return CodePointSet{{c, c}};  // none, where it is a surrogate
  }

  // \p{Letter}, as ICU names properties.
  Result<CodePointSet> Property(bool negated) {
    const std::size_t end = rest_.find('}');
    if (!At("{") || end == std::string_view::npos) return Fault("\\p without {...}");
    const std::string_view name = rest_.substr(1, end - 1);
    const bool is_name = !name.empty() && std::ranges::all_of(name, [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '=' || c == ' ';
    });
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeSet of_icu;
    if (is_name) {
      of_icu.applyPattern(icu::UnicodeString::fromUTF8("[\\p{" + std::string(name) + "}]"), status);
    }
    if (!is_name || U_FAILURE(status)) return Fault("a property that is not known");
    rest_.remove_prefix(end + 1);
    CodePointSet set;
    for (std::int32_t i = 0; i < of_icu.getRangeCount(); ++i) {
      set.Add(static_cast<char32_t>(of_icu.getRangeStart(i)),
              static_cast<char32_t>(of_icu.getRangeEnd(i)));
    }
    return negated ? set.Complement() : set;
  }

  std::string_view rest_;
  std::string_view whole_;
};

}  // namespace

Result<PatternNode> ParsePattern(std::string_view pattern) {
  if (!IsUtf8(pattern)) return Error(StatusCode::kInvalidInput, "a pattern is not UTF-8");
  return Parser(pattern).Parse();
}

}  // namespace kinglet
