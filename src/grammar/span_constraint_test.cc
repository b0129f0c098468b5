// SPDX-License-Identifier: Apache-2.0
// Masks over spans against the definition: a token is allowed where some span goes on with it.
#include "grammar/span_constraint.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

const std::vector<std::string_view>& Tokens() {
  static const std::vector<std::string_view> tokens = {"",   "a",   "b",   " ",  "ab", "b a",
                                                       "aa", " ab", "a a", "ba", "a",  ""};
  return tokens;
}
constexpr TokenId kEnd = 11;

std::shared_ptr<const TokenTrie> Trie() {
  const std::vector<TokenId> ends = {kEnd};
  return std::make_shared<const TokenTrie>(Tokens(), ends);
}

// Words are what blanks part.
SpanSource WordsOf(std::string_view text) {
  SpanSource source{.text = text};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (i == 0 || text[i - 1] == ' ') source.starts.push_back(i);
    if (i + 1 == text.size() || text[i + 1] == ' ') source.ends.push_back(i + 1);
  }
  return source;
}

std::vector<std::string> SpansOf(std::span<const SpanSource> sources) {
  std::vector<std::string> spans;
  for (const SpanSource& source : sources) {
    for (const std::size_t start : source.starts) {
      for (const std::size_t end : source.ends) {
        if (end > start) spans.emplace_back(source.text.substr(start, end - start));
      }
    }
  }
  return spans;
}

bool Has(std::span<const std::uint64_t> mask, TokenId id) {
  return !mask.empty() && (mask[0] >> id & 1) != 0;
}

void ExpectMask(ConstraintCursor& cursor, const std::vector<std::string>& spans,
                const std::string& written) {
  const bool may_end = std::ranges::find(spans, written) != spans.end();
  EXPECT_EQ(cursor.MayEnd(), may_end) << '"' << written << '"';
  const auto mask = cursor.Allowed();
  bool has_some = false;
  for (TokenId id = 0; id < kEnd; ++id) {
    const std::string_view bytes = Tokens()[static_cast<std::size_t>(id)];
    const bool goes_on = !bytes.empty() && std::ranges::any_of(spans, [&](const std::string& span) {
      return span.starts_with(written + std::string(bytes));
    });
    has_some |= goes_on;
    EXPECT_EQ(Has(mask, id), goes_on) << '"' << written << "\" then " << id;
  }
  EXPECT_EQ(Has(mask, kEnd), may_end && has_some) << '"' << written << '"';
}

TEST(SpanConstraintTest, AllowsWhatSomeSpanGoesOnWith) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts(1 + random() % 3);
    for (std::string& text : texts) {
      for (std::size_t i = 0, size = random() % 12; i < size; ++i) text += "ab a"[random() % 4];
    }
    std::vector<SpanSource> sources;
    for (const std::string& text : texts) sources.push_back(WordsOf(text));
    const auto spans = SpansOf(sources);
    const auto cursor = MakeSpanConstraint(Trie(), sources)->Begin();
    std::string written;
    while (true) {
      // What ends before the end of its word is no span, but may be written on the way to one.
      ExpectMask(*cursor, spans, written);
      const auto mask = cursor->Allowed();
      std::vector<TokenId> some;
      for (TokenId id = 0; id < kEnd; ++id) {
        if (Has(mask, id)) some.push_back(id);
      }
      if (some.empty()) break;
      const TokenId next = some[random() % some.size()];
      cursor->Advance(next);
      written += cursor->TokenBytes(next);
    }
  }
}

TEST(SpanConstraintTest, OffersAWholeTextBesideSpans) {
  const std::vector<SpanSource> sources = {WordsOf("a b"),
                                           {.text = "ba ba", .starts = {0}, .ends = {5}}};
  const auto cursor = MakeSpanConstraint(Trie(), sources)->Begin();
  cursor->Advance(9);  // "ba"
  EXPECT_FALSE(cursor->MayEnd());
  cursor->Advance(3);
  cursor->Advance(9);
  EXPECT_TRUE(cursor->MayEnd());
  EXPECT_TRUE(cursor->Allowed().empty()) << "nothing else is left";
}

TEST(SpanConstraintTest, TakesLettersSmallOrLarge) {
  const std::vector<SpanSource> sources = {WordsOf("A B")};
  const auto cursor = MakeSpanConstraint(Trie(), sources)->Begin();
  EXPECT_TRUE(Has(cursor->Allowed(), 1)) << "a";
  cursor->Advance(1);
  EXPECT_TRUE(cursor->MayEnd());
  cursor->Advance(3);
  EXPECT_TRUE(Has(cursor->Allowed(), 2)) << "b";
}

TEST(SpanConstraintTest, LeavesNothingWhereThereIsNoText) {
  const auto cursor = MakeSpanConstraint(Trie(), {})->Begin();
  EXPECT_TRUE(cursor->Allowed().empty());
  EXPECT_FALSE(cursor->MayEnd());
}

}  // namespace
}  // namespace kinglet
