// SPDX-License-Identifier: Apache-2.0
// Statements of Jinja, by recursive descent.
#include "text/jinja_parser.h"

#include <initializer_list>
#include <utility>

#include "text/jinja_expression_parser.h"

namespace kinglet::jinja {
namespace {

constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20;

class StatementParser {
 public:
  explicit StatementParser(std::vector<Token> tokens) : in_(std::move(tokens)) {}

  Result<Program> Run() {
    Program program;
    program.body = TRY(ParseBlock({}));
    program.names = std::move(in_).TakeNames();
    return program;
  }

 private:
  // Statements up to a tag that starts with one of `ends`, of which the name is read; none: to the
  // end of the source.
  Result<Block> ParseBlock(std::initializer_list<std::string_view> ends) {
    const auto nest = TRY(in_.Nest());
    const int first_line = in_.line();
    Block block;
    while (true) {
      const int line = in_.line();
      if (in_.Peek().type == TokenType::kEnd) {
        if (ends.size() == 0) return block;
        return in_.Fail("'{}' expected, for the tag on line {}", *ends.begin(), first_line);
      }
      if (in_.Peek().type == TokenType::kData) {
        block.push_back({line, Data{Text(in_.Next().text)}});
      } else if (in_.Accept(TokenType::kVariableBegin)) {
        block.push_back({line, Print{TRY(in_.ParseTuple())}});
        TRY(in_.Expect(TokenType::kVariableEnd, "}}"));
      } else {
        TRY(in_.Expect(TokenType::kBlockBegin, "a tag"));
        for (const std::string_view end : ends) {
          if (in_.PeekName(end)) return block;
        }
        block.push_back({line, TRY(ParseStatement())});
      }
    }
  }

  // A statement from its name to the %} that ends it.
  Result<decltype(Statement::node)> ParseStatement() {
    const std::string name = TRY(in_.ExpectName());
    if (name == "if") return ParseIf();
    if (name == "for") return ParseFor();
    if (name == "set") return ParseSet();
    if (name == "macro") return ParseMacro();
    if (name == "call") return ParseCall();
    if (name == "filter") return ParseFilterBlock();
    if (name == "with") return ParseWith();
    if (name == "generation") {
      TRY(EndTag());
      With with;
      with.body = TRY(ParseBody("endgeneration"));
      return with;
    }
    if (name == "break" || name == "continue") {
      if (loop_depth_ == 0) return in_.Fail("'{}' outside of a loop", name);
      TRY(EndTag());
      return name == "break" ? LoopExit::kBreak : LoopExit::kContinue;
    }
    return in_.Fail("unknown tag '{}'", name);
  }

  Result<void> EndTag() { return in_.Expect(TokenType::kBlockEnd, "%}"); }

  // A block to its end tag, which is read too.
  Result<Block> ParseBody(std::string_view end) {
    Block body = TRY(ParseBlock({end}));
    in_.Next();
    TRY(EndTag());
    return body;
  }

  // The same for a block that becomes a text: `break` cannot leave it.
  Result<Block> ParseCaptured(std::string_view end) {
    const int outer_loop_depth = std::exchange(loop_depth_, 0);
    Block body = TRY(ParseBody(end));
    loop_depth_ = outer_loop_depth;
    return body;
  }

  Result<decltype(Statement::node)> ParseIf() {
    If node;
    while (true) {
      ExpressionPtr test = TRY(in_.ParseTuple(Conditionals::kNo));
      TRY(EndTag());
      Block body = TRY(ParseBlock({"endif", "elif", "else"}));
      node.branches.emplace_back(std::move(test), std::move(body));
      const std::string name = TRY(in_.ExpectName());
      if (name == "elif") continue;
      TRY(EndTag());
      if (name == "else") node.otherwise = TRY(ParseBody("endif"));
      return node;
    }
  }

  Result<decltype(Statement::node)> ParseFor() {
    For node;
    node.target = TRY(ParseTarget());
    if (!in_.AcceptName("in")) return in_.Fail("'in' expected");
    node.iterable = TRY(in_.ParseTuple(Conditionals::kNo));
    if (in_.AcceptName("if")) node.filter = TRY(in_.ParseExpression());
    node.is_recursive = in_.AcceptName("recursive");
    TRY(EndTag());
    ++loop_depth_;
    node.body = TRY(ParseBlock({"endfor", "else"}));
    --loop_depth_;
    const bool has_else = in_.Next().text == "else";
    TRY(EndTag());
    if (has_else) node.otherwise = TRY(ParseBody("endfor"));
    return node;
  }

  Result<decltype(Statement::node)> ParseSet() {
    Target target = TRY(ParseTarget());
    if (in_.AcceptOperator("=")) {
      ExpressionPtr value = TRY(in_.ParseTuple());
      TRY(EndTag());
      return Set{std::move(target), std::move(value)};
    }
    SetBlock node;
    node.target = std::move(target);
    node.filters = TRY(ParseFilters(in_.PeekOperator("|")));
    TRY(EndTag());
    node.body = TRY(ParseCaptured("endset"));
    return node;
  }

  // |filter|filter on a block's text; null where there are none.
  Result<std::unique_ptr<const Postfix>> ParseFilters(bool has_filters) {
    if (!has_filters) return nullptr;
    Postfix filters;
    TRY(in_.ParseSteps(filters, StepKinds::kFilters));
    return std::make_unique<const Postfix>(std::move(filters));
  }

  // x, ns.x, or targets with commas between them, perhaps in parentheses.
  Result<Target> ParseTarget() {
    const auto nest = TRY(in_.Nest());
    std::vector<Target> targets;
    bool is_tuple = false;
    while (in_.Peek().type == TokenType::kName || in_.PeekOperator("(")) {
      if (in_.PeekName("in")) break;
      if (in_.AcceptOperator("(")) {
        targets.push_back(TRY(ParseTarget()));
        TRY(in_.ExpectOperator(")"));
      } else {
        Target target;
        target.name = TRY(in_.ExpectVariable());
        if (in_.AcceptOperator(".")) target.attribute = TRY(in_.ExpectName());
        targets.push_back(std::move(target));
      }
      if (!in_.AcceptOperator(",")) break;
      is_tuple = true;
    }
    if (targets.empty()) return in_.Fail("a name to assign to expected");
    if (!is_tuple) return std::move(targets.front());
    Target tuple;
    tuple.items = std::move(targets);
    return tuple;
  }

  // (a, b=1): parameters of a macro or a call block.
  Result<std::vector<Parameter>> ParseParameters() {
    std::vector<Parameter> parameters;
    TRY(in_.ExpectOperator("("));
    while (!in_.AcceptOperator(")")) {
      if (!parameters.empty()) {
        TRY(in_.ExpectOperator(","));
        if (in_.AcceptOperator(")")) break;
      }
      Parameter parameter{TRY(in_.ExpectVariable()), nullptr};
      if (in_.AcceptOperator("=")) {
        parameter.default_value = TRY(in_.ParseExpression());
      } else if (!parameters.empty() && parameters.back().default_value != nullptr) {
        return in_.Fail("a parameter without a default follows one with a default");
      }
      parameters.push_back(std::move(parameter));
    }
    return parameters;
  }

  // %}, body and end tag of a macro or call block.
  Result<void> ParseMacroBody(MacroDefinition& macro, std::string_view end) {
    TRY(EndTag());
    const SpecialNames outer = in_.TakeSpecialNames();
    macro.body = TRY(ParseCaptured(end));
    macro.takes_varargs = in_.special_names().varargs;
    macro.takes_kwargs = in_.special_names().kwargs;
    in_.RestoreSpecialNames(outer);
    return {};
  }

  Result<decltype(Statement::node)> ParseMacro() {
    auto macro = std::make_unique<MacroDefinition>();
    macro->name = TRY(in_.ExpectVariable());
    macro->parameters = TRY(ParseParameters());
    TRY(ParseMacroBody(*macro, "endmacro"));
    return DefineMacro{std::move(macro)};
  }

  Result<decltype(Statement::node)> ParseCall() {
    auto caller = std::make_unique<MacroDefinition>();
    caller->name = in_.Intern("caller");
    if (in_.PeekOperator("(")) caller->parameters = TRY(ParseParameters());
    CallBlock node;
    node.call = TRY(in_.ParseExpression());
    const auto* postfix = std::get_if<Postfix>(&node.call->node);
    if (postfix == nullptr || !std::holds_alternative<CallStep>(postfix->steps.back().step)) {
      return in_.Fail("a call expected");
    }
    TRY(ParseMacroBody(*caller, "endcall"));
    node.caller = std::move(caller);
    return node;
  }

  Result<decltype(Statement::node)> ParseFilterBlock() {
    FilterBlock node;
    Postfix filters;
    filters.steps.push_back(TRY(in_.ParseFilter()));
    TRY(in_.ParseSteps(filters, StepKinds::kFilters));
    node.filters = std::make_unique<const Postfix>(std::move(filters));
    TRY(EndTag());
    node.body = TRY(ParseCaptured("endfilter"));
    return node;
  }

  Result<decltype(Statement::node)> ParseWith() {
    With node;
    while (in_.Peek().type != TokenType::kBlockEnd) {
      if (!node.bindings.empty()) TRY(in_.ExpectOperator(","));
      Target target;
      target.name = TRY(in_.ExpectVariable());
      TRY(in_.ExpectOperator("="));
      ExpressionPtr value = TRY(in_.ParseExpression());
      node.bindings.emplace_back(std::move(target), std::move(value));
    }
    TRY(EndTag());
    node.body = TRY(ParseBody("endwith"));
    return node;
  }

  ExpressionParser in_;
  int loop_depth_ = 0;
};

}  // namespace

Result<Program> ParseProgram(std::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    return Error(StatusCode::kLimitExceeded, "a template of {} bytes, more than {}", source.size(),
                 kMaxSourceBytes);
  }
  return StatementParser(TRY(Tokenize(source))).Run();
}

}  // namespace kinglet::jinja
