// SPDX-License-Identifier: Apache-2.0
// A cursor over a template's tokens, and expressions of Jinja from there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "text/jinja_lexer.h"
#include "text/jinja_syntax.h"

namespace kinglet::jinja {

// Where `a if b else c` may stand bare: not before the `if` of a for.
enum class Conditionals { kYes, kNo };
// kAccess: .name [key] (arguments); kFilters: |filter, is test, and calls of what they give.
enum class StepKinds { kAccess, kFilters };

// Whether the names that Jinja binds in macros were read since the last Take.
struct SpecialNames {
  bool varargs = false;
  bool kwargs = false;
};

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Holds one level of nesting until it is destroyed.
  class Level {
   public:
    explicit Level(int& depth) : depth_(&depth) { ++depth; }
    Level(Level&& other) noexcept : depth_(std::exchange(other.depth_, nullptr)) {}
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Level& operator=(Level&&) = delete;
    ~Level() {
      if (depth_ != nullptr) --*depth_;
    }

   private:
    int* depth_;
  };
  Result<Level> Nest();

  const Token& Peek() const { return tokens_[next_]; }
  int line() const { return Peek().line; }
  Token Next();  // kEnd again and again at the end
  bool PeekName(std::string_view name) const;
  bool PeekOperator(std::string_view spelling) const;
  bool Accept(TokenType type);
  bool AcceptName(std::string_view name);
  bool AcceptOperator(std::string_view spelling);
  Result<void> Expect(TokenType type, std::string_view what);
  Result<void> ExpectOperator(std::string_view spelling);
  Result<std::string> ExpectName();
  Result<NameId> ExpectVariable();  // a name that can be assigned to

  template <typename... Args>
  [[nodiscard]] std::unexpected<Status> Fail(fmt::format_string<Args...> format,
                                             Args&&... args) const {
    return Error(StatusCode::kInvalidInput, "line {}: {}", line(),
                 fmt::format(format, std::forward<Args>(args)...));
  }

  NameId Intern(const std::string& name);
  std::vector<std::string> TakeNames() && { return std::move(names_); }
  const SpecialNames& special_names() const { return special_names_; }
  SpecialNames TakeSpecialNames() { return std::exchange(special_names_, {}); }
  void RestoreSpecialNames(SpecialNames names) { special_names_ = names; }

  Result<ExpressionPtr> ParseExpression(Conditionals conditionals = Conditionals::kYes);
  // One expression, or a tuple of them with commas between.
  Result<ExpressionPtr> ParseTuple(Conditionals conditionals = Conditionals::kYes);
  // The steps that follow here, put behind those of `postfix`.
  Result<void> ParseSteps(Postfix& postfix, StepKinds kinds);
  // name(arguments) of a filter.
  Result<Step> ParseFilter();

 private:
  Result<ExpressionPtr> ParseLogical(bool is_or);
  Result<ExpressionPtr> ParseNot();
  Result<ExpressionPtr> ParseComparison();
  bool AcceptComparison(Operator& found);
  Result<ExpressionPtr> ParseSum();
  Result<ExpressionPtr> ParseConcatenation();
  Result<ExpressionPtr> ParseProduct();
  Result<ExpressionPtr> ParsePower();
  template <typename ParseOperand>
  Result<ExpressionPtr> ParseArithmetic(
      std::initializer_list<std::pair<std::string_view, Operator>> operators,
      ParseOperand parse_operand);
  Result<ExpressionPtr> ParseUnary(bool with_filters = true);
  Result<ExpressionPtr> ParsePostfix(ExpressionPtr base, bool with_filters);
  Result<ExpressionPtr> ParsePrimary();
  Result<ExpressionPtr> ParseNumber();
  Result<ExpressionPtr> ParseList();
  Result<ExpressionPtr> ParseDict();
  Result<Step> ParseDot();
  Result<Step> ParseSubscript();
  Result<Step> ParseTest();
  bool StartsTestArgument() const;
  Result<std::vector<Argument>> ParseArguments();
  bool AtTupleEnd() const;

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<std::string, NameId> ids_;
  SpecialNames special_names_;
};

}  // namespace kinglet::jinja
