// SPDX-License-Identifier: Apache-2.0
#include "grammar/ecma_pattern.h"

#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace kinglet::validation {
namespace {

std::optional<bool> Found(std::string_view pattern, std::string_view text) {
  const auto compiled = EcmaPattern::Compile(pattern);
  EXPECT_TRUE(compiled) << (compiled ? "" : compiled.error().message());
  std::int64_t steps = 10'000'000;
  return compiled ? compiled->IsFoundIn(text, steps) : std::nullopt;
}

bool IsRefused(std::string_view pattern) {
  const auto compiled = EcmaPattern::Compile(pattern);
  return !compiled && compiled.error().code() == StatusCode::kInvalidInput;
}

TEST(EcmaPatternTest, FindsAnywhere) {
  EXPECT_EQ(Found("b+", "abba"), true);
  EXPECT_EQ(Found("^b", "abba"), false);
  EXPECT_EQ(Found("", ""), true);
  EXPECT_EQ(Found("^$", "\n"), false);
  EXPECT_EQ(Found("a$", "a\n"), false);
}

TEST(EcmaPatternTest, MatchesByCodePoints) {
  EXPECT_EQ(Found("^.$", "😀"), true);
  EXPECT_EQ(Found("^[😀-😂]$", "😁"), true);
  EXPECT_EQ(Found(R"(^\ud83d\ude00$)", "😀"), true);
  EXPECT_EQ(Found(R"(^\u{1F600}$)", "😀"), true);
  EXPECT_EQ(Found(R"(^[^\ud83d]$)", "😀"), true);
  EXPECT_EQ(Found(R"(\ud83d)", "😀"), false);
  EXPECT_EQ(Found("^é$", "é"), true);
  EXPECT_EQ(Found("^.$", "e\xCC\x81"), false);
}

TEST(EcmaPatternTest, KnowsClassesAsEcmaDoes) {
  EXPECT_EQ(Found(R"(^\w$)", "é"), false);
  EXPECT_EQ(Found(R"(^\d$)", "٣"), false);
  EXPECT_EQ(Found(R"(^\s$)", "\xC2\xA0"), true);
  EXPECT_EQ(Found(R"(^[^\s]$)", "\xEF\xBB\xBF"), false);
  EXPECT_EQ(Found(R"(^[\S\s]$)", "\xE2\x80\xA8"), true);
  EXPECT_EQ(Found(R"(^[^\S]$)", "\xE3\x80\x80"), true);
  EXPECT_EQ(Found("^.$", "\xE2\x80\xA8"), false);
  EXPECT_EQ(Found("^.$", "\xC2\x85"), true);
  EXPECT_EQ(Found("[]", "a"), false);
  EXPECT_EQ(Found("^[]*a$", "a"), true);
  EXPECT_EQ(Found(R"(^\ud83d{0,3}a$)", "a"), true);
  EXPECT_EQ(Found("^[^]$", "\n"), true);
  EXPECT_EQ(Found(R"(^[\b]$)", "\b"), true);
  EXPECT_EQ(Found(R"(^[\w-.]+$)", "a-."), true);
  EXPECT_EQ(Found(R"(^[a\-z]$)", "b"), false);
  EXPECT_EQ(Found("^[[:alpha:]]$", "a]"), true);
  EXPECT_EQ(Found(R"(^\cJ\x41\0$)", std::string_view("\nA\0", 3)), true);
}

TEST(EcmaPatternTest, KnowsProperties) {
  EXPECT_EQ(Found(R"(^\p{Letter}\p{L}\p{gc=Lu}$)", "éßÉ"), true);
  EXPECT_EQ(Found(R"(^\P{Uppercase_Letter}$)", "É"), false);
  EXPECT_EQ(Found(R"(^[\p{Script=Greek}\p{Cyrillic}]+$)", "αж"), true);
  EXPECT_EQ(Found(R"(^\p{LC}$)", "1"), false);
  EXPECT_TRUE(IsRefused(R"(\p{Beautiful})"));
  EXPECT_TRUE(IsRefused(R"(\p{^L})"));
  EXPECT_TRUE(IsRefused(R"(\p{L)"));
}

TEST(EcmaPatternTest, KnowsGroupsAndReferences) {
  EXPECT_EQ(Found(R"(^(?<year>\d\d)-\k<year>$)", "20-20"), true);
  EXPECT_EQ(Found(R"(^(a)|(b)\1$)", "b"), true);
  EXPECT_TRUE(IsRefused(R"(^(a)\10$)"));
}

TEST(EcmaPatternTest, LooksAround) {
  EXPECT_EQ(Found("^(?=.*b)(?!.*c)a", "ab"), true);
  EXPECT_EQ(Found("^(?=.*b)(?!.*c)a", "abc"), false);
  EXPECT_EQ(Found("(?<=a)b(?<!c)", "ab"), true);
  EXPECT_TRUE(IsRefused("(?<=a+)b"));
}

TEST(EcmaPatternTest, TakesBracesThatCountNothingAsTheyAre) {
  EXPECT_EQ(Found("^a{,2}$", "a{,2}"), true);
  EXPECT_EQ(Found("^{a}]$", "{a}]"), true);
  EXPECT_EQ(Found("^a{2,3}?$", "aaa"), true);
  EXPECT_EQ(Found("^a{2}$", "aaa"), false);
}

TEST(EcmaPatternTest, RefusesWhatPcreAloneKnows) {
  for (const char* const pattern :
       {"a++",       "a*+",      "a{2}+",     "a**",           "(?>a)",   "(?i)a",  "(?R)",
        "(?1)",      "(?#a)",    "(*FAIL)",   "(*UTF)a",       R"(\Aa)",  R"(a\Z)", R"(a\z)",
        R"(\Qa\E)",  R"(\Ka)",   R"(\R)",     R"(\X)",         R"(\G)",   R"(\C)",  R"(\h)",
        R"([\B])",   R"(\g{1})", R"(\x{41})", R"(\u{110000})", R"(\u12)", "*a",     "a|*",
        "(",         ")",        "[a",        "[b-a]",         "\\",      R"([\d)", "(?<a",
        "(?<a-b>c)", "\xFF"}) {
    EXPECT_TRUE(IsRefused(pattern)) << pattern;
  }
}

TEST(EcmaPatternTest, TakesWhatItCosts) {
  const auto pattern = EcmaPattern::Compile("^(a|aa)+$");
  ASSERT_TRUE(pattern);
  std::int64_t steps = 1000;
  EXPECT_EQ(pattern->IsFoundIn("aaa", steps), true);
  EXPECT_LT(steps, 1000);
  EXPECT_GT(steps, 500);
  EXPECT_EQ(pattern->IsFoundIn(std::string(60, 'a') + "b", steps), std::nullopt);
  EXPECT_LT(steps, 0);
}

TEST(EcmaPatternTest, FindsNothingInBrokenText) { EXPECT_EQ(Found("", "\xFF"), false); }

}  // namespace
}  // namespace kinglet::validation
