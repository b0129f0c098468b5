// SPDX-License-Identifier: Apache-2.0
#include "text/special_tokens.h"

#include <string>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// Control tokens first, then user-defined ones.
TokenTable Table(const std::vector<std::string>& control, const std::vector<std::string>& text) {
  Vocabulary vocabulary;
  for (const std::string& name : control) {
    vocabulary.tokens.push_back(name);
    vocabulary.kinds.push_back(TokenKind::kControl);
  }
  for (const std::string& name : text) {
    vocabulary.tokens.push_back(name);
    vocabulary.kinds.push_back(TokenKind::kUserDefined);
  }
  return TokenTable::Create(vocabulary, TokenSpelling::kByteLevel).value();
}

TEST(SpecialTokens, TheFirstIsFoundAndOfThoseTheLongest) {
  const TokenTable tokens = Table({"<|im|>", "<|im|>x", "im|>xyz"}, {});
  const SpecialTokens special = SpecialTokens::Create(tokens).value();
  const auto match = special.Find("a <|im|>xyz", 0, true, {});
  EXPECT_EQ(match.id, 1);
  EXPECT_EQ(match.range, (ByteRange{2, 9}));
  EXPECT_EQ(special.Find("a <|im|>xyz", 3, true, {}).id, 2);
  EXPECT_EQ(special.Find("a <|im", 0, true, {}).id, kNoToken);
}

TEST(SpecialTokens, ControlTokensAreReadOnlyWhereAskedFor) {
  const TokenTable tokens = Table({"<s>"}, {"<t>"});
  const SpecialTokens special = SpecialTokens::Create(tokens).value();
  EXPECT_EQ(special.Find("<s><t>", 0, false, {}).id, 1);
  EXPECT_EQ(special.Find("<s><t>", 0, true, {}).id, 0);
}

TEST(SpecialTokens, ALiteralRangeThatIsTouchedPreventsAControlToken) {
  const TokenTable tokens = Table({"<end>"}, {"<t>"});
  const SpecialTokens special = SpecialTokens::Create(tokens).value();
  const std::string_view text = "<end><end><end>";
  for (const ByteRange literal :
       {ByteRange{5, 10}, ByteRange{5, 6}, ByteRange{9, 10}, ByteRange{7, 8}}) {
    const std::vector<ByteRange> ranges = {literal};
    EXPECT_EQ(special.Find(text, 0, true, ranges).range, (ByteRange{0, 5}));
    EXPECT_EQ(special.Find(text, 5, true, ranges).range, (ByteRange{10, 15}));
  }
  const std::vector<ByteRange> between = {{5, 5}, {10, 15}};
  EXPECT_EQ(special.Find(text, 5, true, between).range, (ByteRange{5, 10}));
  const std::vector<ByteRange> whole = {{0, 15}};
  EXPECT_EQ(special.Find(text, 0, true, whole).id, kNoToken);
  EXPECT_EQ(special.Find("<t>", 0, true, whole).id, 1);
}

TEST(SpecialTokens, AShorterNameIsReadWhereTheLongerOneIsNotAllowed) {
  const TokenTable tokens = Table({"<t>>"}, {"<t>"});
  const SpecialTokens special = SpecialTokens::Create(tokens).value();
  EXPECT_EQ(special.Find("<t>>", 0, false, {}).id, 1);
  EXPECT_EQ(special.Find("<t>>", 0, true, {}).id, 0);
}

TEST(SpecialTokens, EmptyAndRepeatedNamesAreHarmless) {
  const TokenTable tokens = Table({"", "<a>", "<a>"}, {"", "<a>"});
  const SpecialTokens special = SpecialTokens::Create(tokens).value();
  EXPECT_EQ(special.Find("x<a>", 0, true, {}).id, 4);
  EXPECT_EQ(special.FindName("<a>"), 4);
  EXPECT_EQ(special.FindName(""), kNoToken);
}

TEST(SpecialTokens, RefusesEndlessNames) {
  const auto special = SpecialTokens::Create(Table({std::string(513, '<')}, {}));
  ASSERT_FALSE(special);
  EXPECT_EQ(special.error().message(), "the name of special token 0 has 513 bytes, over 512");
}

}  // namespace
}  // namespace kinglet
