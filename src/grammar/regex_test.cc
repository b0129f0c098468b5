// SPDX-License-Identifier: Apache-2.0
// Derivatives against the standard library's matcher, on random expressions and texts.
#include "grammar/regex.h"

#include <algorithm>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

bool Matches(RegexPool& pool, RegexId id, std::string_view text) {
  for (const char c : text) id = pool.Derivative(id, static_cast<std::uint8_t>(c));
  return pool.MatchesEmpty(id);
}

// The same expression twice.
struct Pair {
  RegexId id = kEmptyText;
  std::string ecma;
};

class Maker {
 public:
  Maker(RegexPool& pool, unsigned seed) : pool_(pool), random_(seed) {}

  std::uint32_t Draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  Pair Make(int depth) {
    const std::uint32_t kind = depth == 0 ? Draw(2) : Draw(5);
    if (kind == 0) {
      const char c = static_cast<char>('a' + Draw(3));
      return {pool_.Literal(std::string(1, c)), std::string(1, c)};
    }
    if (kind == 1) {
      return {pool_.Bytes(ByteSet::Range('a', 'b')), "[ab]"};
    }
    Pair first = Make(depth - 1);
    if (kind == 2) {
      const std::uint32_t min = Draw(3);
      const std::uint32_t max = min + Draw(3);
      if (Draw(3) == 0) {
        return {pool_.Repeat(first.id, min, kUnbounded),
                "(?:" + first.ecma + "){" + std::to_string(min) + ",}"};
      }
      return {pool_.Repeat(first.id, min, max),
              "(?:" + first.ecma + "){" + std::to_string(min) + "," + std::to_string(max) + "}"};
    }
    const Pair second = Make(depth - 1);
    if (kind == 3) return {pool_.Concat(first.id, second.id), first.ecma + second.ecma};
    return {pool_.Or({first.id, second.id}), "(?:" + first.ecma + "|" + second.ecma + ")"};
  }

  std::string Text() {
    std::string text;
    for (std::uint32_t i = Draw(7); i > 0; --i) text += static_cast<char>('a' + Draw(4));
    return text;
  }

 private:
  RegexPool& pool_;
  std::mt19937 random_;
};

TEST(RegexTest, MatchesWhatTheStandardLibraryDoes) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    RegexPool pool;
    Maker maker(pool, seed);
    const Pair a = maker.Make(3);
    const Pair b = maker.Make(3);
    const std::regex of_a(a.ecma);
    const std::regex of_b(b.ecma);
    const RegexId both = pool.And({a.id, b.id});
    const RegexId either = pool.Or({a.id, b.id});
    const RegexId only_a = pool.And({a.id, pool.Not(b.id)});
    for (int i = 0; i < 60; ++i) {
      const std::string text = maker.Text();
      const bool in_a = std::regex_match(text, of_a);
      const bool in_b = std::regex_match(text, of_b);
      ASSERT_EQ(Matches(pool, a.id, text), in_a) << a.ecma << " on " << text;
      ASSERT_EQ(Matches(pool, both, text), in_a && in_b) << a.ecma << " and " << b.ecma;
      ASSERT_EQ(Matches(pool, either, text), in_a || in_b) << a.ecma << " or " << b.ecma;
      ASSERT_EQ(Matches(pool, only_a, text), in_a && !in_b) << a.ecma << " not " << b.ecma;
    }
  }
}

TEST(RegexTest, TellsWhetherAnythingMatches) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    RegexPool pool;
    Maker maker(pool, seed);
    const Pair a = maker.Make(2);
    const Pair b = maker.Make(2);
    const RegexId only_a = pool.And({a.id, pool.Not(b.id)});
    const bool is_nothing = pool.IsNothing(only_a);
    for (int i = 0; is_nothing && i < 60; ++i) {
      ASSERT_FALSE(Matches(pool, only_a, maker.Text())) << a.ecma << " not " << b.ecma;
    }
    EXPECT_TRUE(pool.IsNothing(pool.And({a.id, pool.Not(a.id)})));
    EXPECT_FALSE(pool.IsNothing(a.id));
  }
}

TEST(RegexTest, TreatsAlikeWhatItSaysIsAlike) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    RegexPool pool;
    Maker maker(pool, seed);
    const RegexId id = pool.And({maker.Make(3).id, pool.Not(maker.Make(3).id)});
    for (const std::uint8_t byte : {'a', 'b', 'c', 'd'}) {
      ByteSet alike = ByteSet::All();
      pool.KeepAlike(id, byte, alike);
      EXPECT_TRUE(alike.Has(byte));
      for (unsigned other = 0; other < 256; ++other) {
        const auto each = static_cast<std::uint8_t>(other);
        if (!alike.Has(each)) continue;
        EXPECT_EQ(pool.Derivative(id, byte), pool.Derivative(id, each));
      }
    }
  }
}

TEST(RegexTest, CountsMultiplesDigitByDigit) {
  RegexPool pool;
  const RegexId of_7 = pool.Multiple(7, 0);
  const RegexId of_quarter = pool.Multiple(25, 2);  // 0.25
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(Matches(pool, of_7, std::to_string(i)), i % 7 == 0) << i;
    const std::string hundredths =
        std::to_string(i / 100) + "." + std::to_string(i / 10 % 10) + std::to_string(i % 10);
    EXPECT_EQ(Matches(pool, of_quarter, hundredths), i % 25 == 0) << hundredths;
  }
  EXPECT_TRUE(Matches(pool, of_quarter, "0.5"));
  EXPECT_TRUE(Matches(pool, of_quarter, "0.500"));
  EXPECT_FALSE(Matches(pool, of_quarter, "0.501"));
}

TEST(RegexTest, SeesAtOnceWhatIsAskedForAndRuledOut) {
  RegexPool pool;
  const RegexId digit = pool.Bytes(ByteSet::Range('0', '9'));
  const RegexId group = pool.Concat(pool.Repeat(digit, 1, 200), pool.Literal("."));
  const RegexId groups = pool.Concat(pool.Repeat(group, 1, 200), digit);
  const RegexId other = pool.Concat(kAnyText, pool.Literal("7"));
  EXPECT_EQ(pool.And({groups, other, pool.Not(groups)}), kNoText);
  EXPECT_EQ(pool.And({groups, pool.Not(pool.Or({groups, other}))}), kNoText);
}

TEST(RegexTest, JoinsCountsOfOnePartBeforeTheSameRest) {
  RegexPool pool;
  const RegexId a = pool.Literal("a");
  const RegexId b = pool.Literal("b");
  const auto some = [&](std::uint32_t min, std::uint32_t max, RegexId then) {
    return pool.Concat(pool.Repeat(a, min, max), then);
  };
  EXPECT_EQ(pool.Or({some(1, 5, b), some(3, 9, b)}), some(1, 9, b));
  EXPECT_EQ(pool.Or({some(2, 3, b), some(4, kUnbounded, b)}), some(2, kUnbounded, b));
  EXPECT_EQ(pool.Or({some(1, 1, b), some(2, 4, b)}), some(1, 4, b));
  const RegexId apart = pool.Or({some(1, 2, b), some(4, 5, b)});
  EXPECT_FALSE(Matches(pool, apart, "aaab"));
  EXPECT_TRUE(Matches(pool, apart, "aaaab"));
  const RegexId others = pool.Or({some(1, 2, b), some(2, 5, kEmptyText)});
  EXPECT_FALSE(Matches(pool, others, "aaab"));
  EXPECT_TRUE(Matches(pool, others, "aaa"));
}

TEST(RegexTest, StaysSmallWhereATextStandsAtManyCounts) {
  RegexPool pool;
  const RegexId any = pool.Bytes(ByteSet::Range(' ', '~'));
  const RegexId label = pool.Concat(pool.Repeat(any, 1, 63), pool.Literal("."));
  RegexId name = pool.And({pool.Repeat(label, 1, 127), pool.Repeat(any, 1, 255)});
  for (const char c : std::string_view("a.bc..def.example.com")) {
    name = pool.Derivative(name, static_cast<std::uint8_t>(c));
    EXPECT_FALSE(pool.IsNothing(name));
  }
  EXPECT_LT(pool.size(), 5'000U);
}

TEST(RegexTest, SaysWhenItIsFull) {
  RegexPool pool(100);
  pool.Literal(std::string(200, 'a') + "b");
  EXPECT_TRUE(pool.overflowed());
}

std::uint32_t LongestRun(RegexPool& pool, RegexId id) {
  std::vector<RegexPool::Run> runs;
  pool.LeadingRuns(id, runs);
  std::uint32_t longest = 0;
  for (const RegexPool::Run& run : runs) longest = std::max(longest, run.max);
  return longest;
}

TEST(RegexTest, FindsTheRunThatATextMayBeginWith) {
  RegexPool pool;
  const RegexId letter = pool.Bytes(ByteSet::Range('a', 'z'));
  EXPECT_EQ(LongestRun(pool, pool.Concat(pool.Repeat(letter, 0, 9), pool.Literal("."))), 9U);
  const RegexId any = pool.Concat(pool.Repeat(letter, 0, kUnbounded), pool.Literal("."));
  const RegexId but_two =
      pool.And({any, pool.Not(pool.Or({pool.Literal("a."), pool.Literal("b.")}))});
  EXPECT_EQ(LongestRun(pool, but_two), kUnbounded);
  // Behind "a" nothing may follow: it is no free run.
  const RegexId not_a = pool.And({any, pool.Not(pool.Concat(pool.Literal("a"), kAnyText))});
  EXPECT_EQ(LongestRun(pool, not_a), 0U);
}

TEST(RegexTest, FindsTheRunOfTextsThatAreCounted) {
  RegexPool pool;
  const RegexId letter = pool.Bytes(ByteSet::Range('a', 'z'));
  const RegexId printable = pool.Bytes(ByteSet::Range(' ', '~'));
  const RegexId letters = pool.Repeat(letter, 0, kUnbounded);
  const RegexId ends_with_word = pool.Concat(letters, pool.Literal("word."));
  const auto counted = [&](std::uint32_t min, std::uint32_t max) {
    return pool.And({ends_with_word, pool.Repeat(printable, min, max)});
  };
  EXPECT_EQ(LongestRun(pool, counted(12, kUnbounded)), kUnbounded);
  EXPECT_EQ(LongestRun(pool, counted(0, 12)), 7U);  // five are needed for the end
  EXPECT_EQ(LongestRun(pool, counted(5, 5)), 0U);
  // Signs may be part of the run and are none of what is counted.
  const RegexId signs = pool.Concat(pool.Repeat(printable, 0, kUnbounded), pool.Literal("."));
  const RegexId few = pool.Concat(pool.Repeat(letter, 0, 9), pool.Literal("."));
  EXPECT_EQ(LongestRun(pool, pool.And({signs, few})), 0U);
  // A text that is ruled out may be the only one that is short enough.
  const RegexId none_of = pool.Not(pool.Literal("word."));
  EXPECT_EQ(LongestRun(pool, pool.And({ends_with_word, pool.Repeat(printable, 0, 6), none_of})),
            0U);
}

TEST(RegexTest, CountsARepetitionBehindARepetitionTogether) {
  RegexPool pool;
  const RegexId letter = pool.Bytes(ByteSet::Range('a', 'z'));
  const RegexId some = pool.Repeat(letter, 2, 5);
  EXPECT_EQ(pool.Concat({some, some, pool.Literal(".")}),
            pool.Concat(pool.Repeat(letter, 4, 10), pool.Literal(".")));
  EXPECT_EQ(pool.Concat(some, pool.Repeat(letter, 1, kUnbounded)),
            pool.Repeat(letter, 3, kUnbounded));
}

}  // namespace
}  // namespace kinglet
