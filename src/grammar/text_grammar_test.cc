// SPDX-License-Identifier: Apache-2.0
// Grammars that people write by hand: GBNF, patterns, choices, quotes.
#include "grammar/text_grammar.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar/gbnf.h"
#include "grammar/matcher.h"

namespace kinglet {
namespace {

using ::testing::HasSubstr;

bool Writes(Result<Grammar> grammar, std::string_view text) {
  EXPECT_TRUE(grammar) << grammar.error().message();
  if (!grammar) return false;
  Matcher matcher(*std::move(grammar));
  const Matcher::StateId end = matcher.Next(matcher.start(), text);
  return end != Matcher::kDead && matcher.MayEnd(end);
}

std::string RefusalOf(std::string_view gbnf) {
  const auto grammar = ParseGbnf(gbnf);
  return grammar ? "" : grammar.error().message();
}

constexpr std::string_view kArithmetic = R"gbnf(# sums
root  ::= (expr "=" ws term "\n")+
expr  ::= term ([-+*/] term)*
term  ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \t\n]*
)gbnf";

TEST(GbnfTest, ReadsWhatLlamaCppsUsersWrite) {
  EXPECT_TRUE(Writes(ParseGbnf(kArithmetic), "a +(b *2)=3\n"));
  EXPECT_FALSE(Writes(ParseGbnf(kArithmetic), "a +(b *2=3\n"));
  EXPECT_TRUE(Writes(ParseGbnf("root ::= \"x\"{2,3} [^a-c]? .\n"), "xxdé"));
  EXPECT_FALSE(Writes(ParseGbnf("root ::= \"x\"{2,3} [^a-c]\n"), "xxa"));
  EXPECT_TRUE(Writes(ParseGbnf("root ::= \"\\x41\\u00e9\\\"\""), "Aé\""));
  EXPECT_TRUE(
      Writes(ParseGbnf("root ::= list\nlist ::= \"[\" (list (\",\" list)*)? \"]\""), "[[],[[]]]"));
  EXPECT_FALSE(
      Writes(ParseGbnf("root ::= list\nlist ::= \"[\" (list (\",\" list)*)? \"]\""), "[[],[[]]"));
  EXPECT_TRUE(Writes(ParseGbnf("root ::= a |\n  b\na ::= \"a\"\nb ::= \"b\""), "b"));
}

TEST(GbnfTest, SaysWhereItIsWrong) {
  EXPECT_THAT(RefusalOf("root ::= other"), HasSubstr("there is no rule \"other\""));
  EXPECT_THAT(RefusalOf("a ::= \"a\""), HasSubstr("root"));
  EXPECT_THAT(RefusalOf("root ::= \"a\n"), HasSubstr("line 1"));
  EXPECT_THAT(RefusalOf("root ::= \"a\"\nroot ::= \"b\""), HasSubstr("given twice"));
  EXPECT_THAT(RefusalOf("root ::= root \"a\" | \"b\""), HasSubstr("begins with itself"));
  EXPECT_THAT(RefusalOf("root ::= \"a\" root"), HasSubstr("no text can match"));
  EXPECT_THAT(RefusalOf("root ::= (\"a\""), HasSubstr(") is missing"));
}

std::string Times(int count, std::string_view part) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

// Rules in a row, each of which may lead back to the first.
std::string RowOfRules(int count) {
  std::string rules = "root ::= r0\n";
  for (int i = 0; i < count; ++i)
    rules += fmt::format("r{0} ::= \"a\" r{1} | \"b\" r{0}\n", i, i + 1);
  return rules + fmt::format("r{} ::= \"c\" root? \n", count);
}

TEST(GbnfTest, BoundsHowDeepAGrammarLeads) {
  EXPECT_THAT(RefusalOf("root ::= \"a\"" + Times(200'000, "*")), HasSubstr("too deep"));
  EXPECT_THAT(RefusalOf("root ::= " + Times(200'000, "(")), HasSubstr("too deep"));
  EXPECT_THAT(RefusalOf(RowOfRules(50'000)), HasSubstr("too deep"));
  EXPECT_TRUE(Writes(ParseGbnf(RowOfRules(100)), Times(100, "a") + "c"));
  EXPECT_TRUE(Writes(ParseGbnf("root ::= (" + Times(40'000, "\"a\" ") + ") \"b\" root?"),
                     Times(40'000, "a") + "b"));
}

TEST(TextGrammarTest, BoundsHowDeepAPatternLeads) {
  EXPECT_TRUE(Writes(PatternGrammar("(?:" + Times(40'000, "a") + ")b"), Times(40'000, "a") + "b"));
  EXPECT_FALSE(PatternGrammar(Times(25'000, "a?b?")));
  const std::string word = Times(50'000, "a");
  const std::vector<std::string> words = {word + "b", word + "c"};
  EXPECT_FALSE(ChoiceGrammar(words));
}

TEST(TextGrammarTest, WritesOneOfAList) {
  const std::vector<std::string> texts = {"red", "blue", "blueish"};
  EXPECT_TRUE(Writes(ChoiceGrammar(texts), "blue"));
  EXPECT_TRUE(Writes(ChoiceGrammar(texts), "blueish"));
  EXPECT_FALSE(Writes(ChoiceGrammar(texts), "bluei"));
  EXPECT_FALSE(ChoiceGrammar({}));
}

TEST(TextGrammarTest, WritesWhatAPatternMatches) {
  EXPECT_TRUE(Writes(PatternGrammar("[A-Z]{2}\\d+"), "AB12"));
  EXPECT_FALSE(Writes(PatternGrammar("[A-Z]{2}\\d+"), "AB12x"));
  EXPECT_FALSE(PatternGrammar("(?<=a)b"));
  EXPECT_TRUE(Writes(PatternGrammar("a{,2}"), "a{,2}"));
  EXPECT_FALSE(PatternGrammar("a{2}{3}"));
  EXPECT_FALSE(PatternGrammar("a|{2}"));
  EXPECT_FALSE(PatternGrammar("(?!a){0}b"));
}

TEST(TextGrammarTest, QuotesWholeWordsAlone) {
  const std::vector<std::string_view> texts = {"The owl, at night,\n hunts voles.", "The day"};
  for (const char* const quote :
       {"The", "owl, at night,", "night,\n hunts voles.", "The day", "day"}) {
    EXPECT_TRUE(Writes(QuoteGrammar(texts), quote)) << quote;
  }
  for (const char* const other :
       {"", "owl", "owl,  at", "he owl,", "night, hunts", "voles. The", "The day "}) {
    EXPECT_FALSE(Writes(QuoteGrammar(texts), other)) << other;
  }
}

}  // namespace
}  // namespace kinglet
