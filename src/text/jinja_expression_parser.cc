// SPDX-License-Identifier: Apache-2.0
// Expressions of Jinja, by recursive descent: one function for each precedence.
#include "text/jinja_expression_parser.h"

#include <charconv>
#include <initializer_list>

namespace kinglet::jinja {
namespace {

// Blocks and brackets inside one another. Hand-written templates stay below 30.
constexpr int kMaxNesting = 150;

template <typename Node>
ExpressionPtr Make(int line, Node node) {
  return std::make_unique<const Expression>(Expression{line, std::move(node)});
}

}  // namespace

Result<ExpressionParser::Level> ExpressionParser::Nest() {
  if (depth_ >= kMaxNesting) return Fail("nested more than {} deep", kMaxNesting);
  return Level(depth_);
}

Token ExpressionParser::Next() {
  const Token token = Peek();
  if (token.type != TokenType::kEnd) ++next_;
  return token;
}

bool ExpressionParser::PeekName(std::string_view name) const {
  return Peek().type == TokenType::kName && Peek().text == name;
}

bool ExpressionParser::PeekOperator(std::string_view spelling) const {
  return Peek().type == TokenType::kOperator && Peek().text == spelling;
}

bool ExpressionParser::Accept(TokenType type) {
  if (Peek().type != type) return false;
  Next();
  return true;
}

bool ExpressionParser::AcceptName(std::string_view name) {
  return PeekName(name) && Accept(TokenType::kName);
}

bool ExpressionParser::AcceptOperator(std::string_view spelling) {
  return PeekOperator(spelling) && Accept(TokenType::kOperator);
}

Result<void> ExpressionParser::Expect(TokenType type, std::string_view what) {
  if (!Accept(type)) return Fail("{} expected, not '{}'", what, Peek().text);
  return {};
}

Result<void> ExpressionParser::ExpectOperator(std::string_view spelling) {
  if (!AcceptOperator(spelling)) return Fail("'{}' expected, not '{}'", spelling, Peek().text);
  return {};
}

Result<std::string> ExpressionParser::ExpectName() {
  if (Peek().type != TokenType::kName) return Fail("a name expected, not '{}'", Peek().text);
  return Next().text;
}

Result<NameId> ExpressionParser::ExpectVariable() {
  const std::string name = TRY(ExpectName());
  for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
    if (name == constant) return Fail("'{}' cannot be assigned to", name);
  }
  return Intern(name);
}

NameId ExpressionParser::Intern(const std::string& name) {
  const auto [entry, is_new] = ids_.try_emplace(name, static_cast<NameId>(names_.size()));
  if (is_new) names_.push_back(name);
  return entry->second;
}

Result<ExpressionPtr> ExpressionParser::ParseExpression(Conditionals conditionals) {
  const auto nest = TRY(Nest());
  const int first_line = line();
  ExpressionPtr value = TRY(ParseLogical(true));
  if (conditionals == Conditionals::kNo || !AcceptName("if")) return value;
  ExpressionPtr test = TRY(ParseLogical(true));
  ExpressionPtr otherwise;
  if (AcceptName("else")) otherwise = TRY(ParseExpression());
  return Make(first_line, Conditional{std::move(test), std::move(value), std::move(otherwise)});
}

bool ExpressionParser::AtTupleEnd() const {
  const TokenType type = Peek().type;
  return type == TokenType::kVariableEnd || type == TokenType::kBlockEnd || PeekOperator(")") ||
         PeekName("recursive");
}

Result<ExpressionPtr> ExpressionParser::ParseTuple(Conditionals conditionals) {
  const int first_line = line();
  SequenceLiteral tuple{SequenceKind::kTuple, {}};
  tuple.items.push_back(TRY(ParseExpression(conditionals)));
  if (!PeekOperator(",")) return std::move(tuple.items.front());
  while (AcceptOperator(",") && !AtTupleEnd()) {
    tuple.items.push_back(TRY(ParseExpression(conditionals)));
  }
  return Make(first_line, std::move(tuple));
}

Result<ExpressionPtr> ExpressionParser::ParseLogical(bool is_or) {
  const int first_line = line();
  Logical logical{is_or, {}};
  do {
    logical.operands.push_back(is_or ? TRY(ParseLogical(false)) : TRY(ParseNot()));
  } while (AcceptName(is_or ? "or" : "and"));
  if (logical.operands.size() == 1) return std::move(logical.operands.front());
  return Make(first_line, std::move(logical));
}

Result<ExpressionPtr> ExpressionParser::ParseNot() {
  const int first_line = line();
  if (!AcceptName("not")) return ParseComparison();
  const auto nest = TRY(Nest());
  return Make(first_line, Not{TRY(ParseNot())});
}

bool ExpressionParser::AcceptComparison(Operator& found) {
  constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"==", Operator::kEqual},     {"!=", Operator::kNotEqual}, {"<", Operator::kLess},
      {"<=", Operator::kLessEqual}, {">", Operator::kGreater},   {">=", Operator::kGreaterEqual}};
  for (const auto& [spelling, comparison] : kOperators) {
    if (AcceptOperator(spelling)) {
      found = comparison;
      return true;
    }
  }
  if (AcceptName("in")) {
    found = Operator::kIn;
    return true;
  }
  const bool is_not_in = PeekName("not") && next_ + 1 < tokens_.size() &&
                         tokens_[next_ + 1].type == TokenType::kName &&
                         tokens_[next_ + 1].text == "in";
  if (!is_not_in) return false;
  next_ += 2;
  found = Operator::kNotIn;
  return true;
}

Result<ExpressionPtr> ExpressionParser::ParseComparison() {
  const int first_line = line();
  Comparison comparison;
  comparison.first = TRY(ParseSum());
  Operator found{};
  while (AcceptComparison(found)) comparison.rest.emplace_back(found, TRY(ParseSum()));
  if (comparison.rest.empty()) return std::move(comparison.first);
  return Make(first_line, std::move(comparison));
}

template <typename ParseOperand>
Result<ExpressionPtr> ExpressionParser::ParseArithmetic(
    std::initializer_list<std::pair<std::string_view, Operator>> operators,
    ParseOperand parse_operand) {
  const int first_line = line();
  Arithmetic arithmetic;
  arithmetic.first = TRY(parse_operand());
  while (Peek().type == TokenType::kOperator) {
    const auto* found = operators.begin();
    while (found != operators.end() && !AcceptOperator(found->first)) ++found;
    if (found == operators.end()) break;
    arithmetic.rest.emplace_back(found->second, TRY(parse_operand()));
  }
  if (arithmetic.rest.empty()) return std::move(arithmetic.first);
  return Make(first_line, std::move(arithmetic));
}

Result<ExpressionPtr> ExpressionParser::ParseSum() {
  return ParseArithmetic({{"+", Operator::kAdd}, {"-", Operator::kSubtract}},
                         [this] { return ParseConcatenation(); });
}

Result<ExpressionPtr> ExpressionParser::ParseConcatenation() {
  const int first_line = line();
  Concatenation concatenation;
  do {
    concatenation.operands.push_back(TRY(ParseProduct()));
  } while (AcceptOperator("~"));
  if (concatenation.operands.size() == 1) return std::move(concatenation.operands.front());
  return Make(first_line, std::move(concatenation));
}

Result<ExpressionPtr> ExpressionParser::ParseProduct() {
  return ParseArithmetic({{"*", Operator::kMultiply},
                          {"/", Operator::kDivide},
                          {"//", Operator::kFloorDivide},
                          {"%", Operator::kModulo}},
                         [this] { return ParsePower(); });
}

Result<ExpressionPtr> ExpressionParser::ParsePower() {
  return ParseArithmetic({{"**", Operator::kPower}}, [this] { return ParseUnary(); });
}

Result<ExpressionPtr> ExpressionParser::ParseUnary(bool with_filters) {
  const int first_line = line();
  const bool is_minus = PeekOperator("-");
  if (!is_minus && !PeekOperator("+")) {
    ExpressionPtr primary = TRY(ParsePrimary());
    return ParsePostfix(std::move(primary), with_filters);
  }
  const auto nest = TRY(Nest());
  Next();
  ExpressionPtr sign = Make(first_line, Sign{is_minus, TRY(ParseUnary(false))});
  return ParsePostfix(std::move(sign), with_filters);
}

Result<ExpressionPtr> ExpressionParser::ParsePostfix(ExpressionPtr base, bool with_filters) {
  Postfix postfix;
  postfix.base = std::move(base);
  const int first_line = postfix.base->line;
  TRY(ParseSteps(postfix, StepKinds::kAccess));
  if (with_filters) TRY(ParseSteps(postfix, StepKinds::kFilters));
  if (postfix.steps.empty()) return std::move(postfix.base);
  return Make(first_line, std::move(postfix));
}

Result<ExpressionPtr> ExpressionParser::ParsePrimary() {
  const auto nest = TRY(Nest());
  const int first_line = line();
  if (Peek().type == TokenType::kString) {
    std::string text = Next().text;
    while (Peek().type == TokenType::kString) text += Next().text;
    return Make(first_line, Literal{Value::OfLiteral(text)});
  }
  if (Peek().type == TokenType::kInteger || Peek().type == TokenType::kFloat) return ParseNumber();
  if (Peek().type == TokenType::kName) {
    const std::string name = Next().text;
    if (name == "true" || name == "True") return Make(first_line, Literal{Value(true)});
    if (name == "false" || name == "False") return Make(first_line, Literal{Value(false)});
    if (name == "none" || name == "None") return Make(first_line, Literal{Value(None{})});
    if (name == "varargs") special_names_.varargs = true;
    if (name == "kwargs") special_names_.kwargs = true;
    return Make(first_line, Name{Intern(name)});
  }
  if (PeekOperator("[")) return ParseList();
  if (PeekOperator("{")) return ParseDict();
  if (!AcceptOperator("(")) return Fail("an expression expected, not '{}'", Peek().text);
  if (AcceptOperator(")")) return Make(first_line, SequenceLiteral{SequenceKind::kTuple, {}});
  ExpressionPtr inside = TRY(ParseTuple());
  TRY(ExpectOperator(")"));
  return inside;
}

Result<ExpressionPtr> ExpressionParser::ParseNumber() {
  const Token token = Next();
  const char* end = token.text.data() + token.text.size();
  if (token.type == TokenType::kFloat) {
    double real = 0;
    std::from_chars(token.text.data(), end, real);
    return Make(token.line, Literal{Value(real)});
  }
  std::int64_t integer = 0;
  if (std::from_chars(token.text.data(), end, integer).ec != std::errc()) {
    return Fail("the number {} is too large", token.text);
  }
  return Make(token.line, Literal{Value(integer)});
}

Result<ExpressionPtr> ExpressionParser::ParseList() {
  const int first_line = line();
  TRY(ExpectOperator("["));
  SequenceLiteral list{SequenceKind::kList, {}};
  while (!AcceptOperator("]")) {
    if (!list.items.empty()) {
      TRY(ExpectOperator(","));
      if (AcceptOperator("]")) break;
    }
    list.items.push_back(TRY(ParseExpression()));
  }
  return Make(first_line, std::move(list));
}

Result<ExpressionPtr> ExpressionParser::ParseDict() {
  const int first_line = line();
  TRY(ExpectOperator("{"));
  DictLiteral dict;
  while (!AcceptOperator("}")) {
    if (!dict.entries.empty()) {
      TRY(ExpectOperator(","));
      if (AcceptOperator("}")) break;
    }
    ExpressionPtr key = TRY(ParseExpression());
    TRY(ExpectOperator(":"));
    ExpressionPtr value = TRY(ParseExpression());
    dict.entries.emplace_back(std::move(key), std::move(value));
  }
  return Make(first_line, std::move(dict));
}

Result<void> ExpressionParser::ParseSteps(Postfix& postfix, StepKinds kinds) {
  while (true) {
    const int first_line = line();
    if (PeekOperator("(") && postfix.base != nullptr) {
      postfix.steps.push_back({first_line, CallStep{TRY(ParseArguments())}});
    } else if (kinds == StepKinds::kAccess && AcceptOperator(".")) {
      postfix.steps.push_back(TRY(ParseDot()));
    } else if (kinds == StepKinds::kAccess && AcceptOperator("[")) {
      postfix.steps.push_back(TRY(ParseSubscript()));
    } else if (kinds == StepKinds::kFilters && AcceptOperator("|")) {
      postfix.steps.push_back(TRY(ParseFilter()));
    } else if (kinds == StepKinds::kFilters && postfix.base != nullptr && AcceptName("is")) {
      postfix.steps.push_back(TRY(ParseTest()));
    } else {
      return {};
    }
  }
}

Result<Step> ExpressionParser::ParseDot() {
  const int first_line = line();
  if (Peek().type == TokenType::kInteger) {
    return Step{first_line, SubscriptStep{TRY(ParseNumber())}};
  }
  return Step{first_line, AttributeStep{TRY(ExpectName())}};
}

// What stands between [ and ].
Result<Step> ExpressionParser::ParseSubscript() {
  const int first_line = line();
  SliceStep slice;
  if (!PeekOperator(":")) {
    ExpressionPtr key = TRY(ParseExpression());
    if (AcceptOperator("]")) return Step{first_line, SubscriptStep{std::move(key)}};
    slice.start = std::move(key);
  }
  TRY(ExpectOperator(":"));
  if (!PeekOperator(":") && !PeekOperator("]")) slice.stop = TRY(ParseExpression());
  if (AcceptOperator(":") && !PeekOperator("]")) slice.step = TRY(ParseExpression());
  TRY(ExpectOperator("]"));
  return Step{first_line, std::move(slice)};
}

Result<Step> ExpressionParser::ParseFilter() {
  const int first_line = line();
  FilterStep filter{TRY(ExpectName()), nullptr, {}};
  filter.builtin = FindFilter(filter.name);
  if (PeekOperator("(")) filter.arguments = TRY(ParseArguments());
  return Step{first_line, std::move(filter)};
}

// A test takes one argument without parentheses: `is divisibleby 3`.
bool ExpressionParser::StartsTestArgument() const {
  if (Peek().type == TokenType::kName) {
    for (const std::string_view keyword : {"else", "or", "and", "if", "is", "in", "not"}) {
      if (Peek().text == keyword) return false;
    }
    return true;
  }
  return Peek().type == TokenType::kString || Peek().type == TokenType::kInteger ||
         Peek().type == TokenType::kFloat || PeekOperator("[") || PeekOperator("{");
}

Result<Step> ExpressionParser::ParseTest() {
  const int first_line = line();
  const bool is_negated = AcceptName("not");
  TestStep test{TRY(ExpectName()), nullptr, is_negated, {}};
  test.builtin = FindTest(test.name);
  if (PeekOperator("(")) {
    test.arguments = TRY(ParseArguments());
  } else if (StartsTestArgument()) {
    ExpressionPtr primary = TRY(ParsePrimary());
    ExpressionPtr argument = TRY(ParsePostfix(std::move(primary), false));
    test.arguments.push_back({"", std::move(argument)});
  }
  return Step{first_line, std::move(test)};
}

Result<std::vector<Argument>> ExpressionParser::ParseArguments() {
  std::vector<Argument> arguments;
  TRY(ExpectOperator("("));
  while (!AcceptOperator(")")) {
    if (!arguments.empty()) {
      TRY(ExpectOperator(","));
      if (AcceptOperator(")")) break;
    }
    Argument argument;
    const bool is_named = Peek().type == TokenType::kName && next_ + 1 < tokens_.size() &&
                          tokens_[next_ + 1].type == TokenType::kOperator &&
                          tokens_[next_ + 1].text == "=";
    if (is_named) {
      argument.name = Next().text;
      Next();
    } else if (!arguments.empty() && !arguments.back().name.empty()) {
      return Fail("an argument without a name follows one with a name");
    }
    argument.value = TRY(ParseExpression());
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace kinglet::jinja
