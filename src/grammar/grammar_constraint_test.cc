// SPDX-License-Identifier: Apache-2.0
// What the engine sees of a grammar: masks with their ends, and one constraint for all who ask.
#include "grammar/grammar_constraint.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "grammar/text_grammar.h"

namespace kinglet {
namespace {

std::unique_ptr<Tokenizer> SmallTokenizer() {
  Vocabulary vocabulary{.model = "gpt2", .pre = "gpt-2"};
  for (const char* const token : {"a", "b", "ab", "<end>", "<mark>", "c"}) {
    vocabulary.tokens.emplace_back(token);
    vocabulary.kinds.push_back(token[0] == '<' ? TokenKind::kControl : TokenKind::kNormal);
  }
  vocabulary.merges = {"a b"};
  vocabulary.eos = 3;
  auto tokenizer = Tokenizer::Create(std::move(vocabulary));
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  return *std::move(tokenizer);
}

bool Has(std::span<const std::uint64_t> mask, TokenId id) {
  return !mask.empty() && (mask[0] >> id & 1) != 0;
}

TEST(GrammarConstraintTest, EndsWhereTheTextMayEnd) {
  const auto tokenizer = SmallTokenizer();
  GrammarCache cache(*tokenizer, {});
  const std::vector<std::string> texts = {"ab", "abab"};
  const auto constraint = cache.Get("key", [&] { return ChoiceGrammar(texts); });
  ASSERT_TRUE(constraint);
  const auto cursor = (*constraint)->Begin();
  EXPECT_FALSE(cursor->MayEnd());
  EXPECT_TRUE(Has(cursor->Allowed(), 0));
  EXPECT_TRUE(Has(cursor->Allowed(), 2));
  EXPECT_FALSE(Has(cursor->Allowed(), 1));
  EXPECT_FALSE(Has(cursor->Allowed(), 3));
  cursor->Advance(2);
  EXPECT_TRUE(cursor->MayEnd());
  EXPECT_TRUE(Has(cursor->Allowed(), 3)) << "the end";
  EXPECT_TRUE(Has(cursor->Allowed(), 0));
  cursor->Advance(2);
  EXPECT_TRUE(cursor->MayEnd());
  EXPECT_TRUE(cursor->Allowed().empty()) << "nothing else is left";
}

TEST(GrammarConstraintTest, ReadsControlTokensThatAreShown) {
  const auto tokenizer = SmallTokenizer();
  const std::vector<std::string_view> shown = {"<mark>"};
  GrammarCache cache(*tokenizer, shown);
  const std::vector<std::string> texts = {"<mark>a"};
  const auto constraint = cache.Get("key", [&] { return ChoiceGrammar(texts); });
  ASSERT_TRUE(constraint);
  const auto cursor = (*constraint)->Begin();
  EXPECT_TRUE(Has(cursor->Allowed(), 4));
  EXPECT_EQ(cursor->TokenBytes(4), "<mark>");
  EXPECT_EQ(cursor->TokenBytes(3), "");
}

TEST(GrammarConstraintTest, ForcesOnlyTokensThatNoOtherCanTakeThePlaceOf) {
  const auto tokenizer = SmallTokenizer();
  const std::vector<std::string_view> shown = {"<mark>"};
  GrammarCache cache(*tokenizer, shown);
  const auto forced = [&](const std::string& texts_begin, std::size_t most) {
    const std::vector<std::string> texts = {texts_begin + "aa", texts_begin + "ab",
                                            texts_begin + "bb"};
    const auto constraint = cache.Get(texts_begin, [&] { return ChoiceGrammar(texts); });
    EXPECT_TRUE(constraint);
    const auto cursor = (*constraint)->Begin();
    const std::vector<TokenId> tokens = cursor->Forced(most);
    for (const TokenId token : tokens) {
      EXPECT_TRUE(Has(cursor->Allowed(), token)) << token;
      cursor->Advance(token);
    }
    return tokens;
  };
  EXPECT_EQ(forced("cab", 9), (std::vector<TokenId>{5, 2}));
  EXPECT_EQ(forced("cab", 1), (std::vector<TokenId>{5}));
  EXPECT_EQ(forced("cca", 9), (std::vector<TokenId>{5, 5})) << "a may be the start of ab";
  EXPECT_EQ(forced("c<mark>c", 9), (std::vector<TokenId>{5, 4, 5}));
  EXPECT_EQ(forced("c<end>c", 9), (std::vector<TokenId>{5})) << "an end is no text";
  EXPECT_EQ(forced("", 9), std::vector<TokenId>());
}

TEST(GrammarConstraintTest, CompilesOnceAndForgetsTheLeastUsed) {
  const auto tokenizer = SmallTokenizer();
  GrammarCache cache(*tokenizer, {}, /*max_kept=*/2);
  int compiled = 0;
  const std::vector<std::string> texts = {"a"};
  const auto get = [&](const std::string& key) {
    return *cache.Get(key, [&] {
      ++compiled;
      return ChoiceGrammar(texts);
    });
  };
  const auto first = get("1");
  EXPECT_EQ(get("1"), first);
  EXPECT_EQ(compiled, 1);
  get("2");
  get("1");
  get("3");  // 2 is forgotten
  get("1");
  EXPECT_EQ(compiled, 3);
  get("2");
  EXPECT_EQ(compiled, 4);
  EXPECT_TRUE(first->Begin()->Allowed().size() == 1)
      << "what is forgotten lives as long as its users";
  EXPECT_FALSE(cache.Get("bad", [] { return ChoiceGrammar({}); }));
}

}  // namespace
}  // namespace kinglet
