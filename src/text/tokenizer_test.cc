// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/vocabulary_for_test.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Tokenizer> Make(Vocabulary vocabulary) {
  auto tokenizer = Tokenizer::Create(std::move(vocabulary));
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  return std::move(tokenizer).value();
}

std::string ErrorOf(Vocabulary vocabulary) {
  const auto tokenizer = Tokenizer::Create(std::move(vocabulary));
  EXPECT_FALSE(tokenizer);
  if (tokenizer) return "";
  EXPECT_EQ(tokenizer.error().code(), StatusCode::kInvalidInput);
  return tokenizer.error().message();
}

// Tokens 256 on: "th" "the" " t" " th" "in", <s>, <|im_end|>.
Vocabulary SmallBytePair() {
  return BytePairVocabulary("gpt-2", {{"t", "h"}, {"th", "e"}, {" ", "t"}, {" t", "h"}, {"i", "n"}},
                            {"<s>", "<|im_end|>"});
}

TEST(BytePair, MergesByRankWithinWords) {
  const auto tokenizer = Make(SmallBytePair());
  EXPECT_THAT(tokenizer->Encode("the thin"), ElementsAre(257, 32, 256, 260));
  // " th" is a token, but merging leads to " " and "th", the first time and the next.
  EXPECT_THAT(tokenizer->Encode(" th"), ElementsAre(32, 256));
  EXPECT_THAT(tokenizer->Encode(" th"), ElementsAre(32, 256));
}

TEST(BytePair, SomeModelsTakeAWordThatIsATokenWhole) {
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.pre = "llama-bpe";
  EXPECT_THAT(Make(std::move(vocabulary))->Encode(" th"), ElementsAre(259));
}

TEST(BytePair, AnyBytesComeBack) {
  const auto tokenizer = Make(SmallBytePair());
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  for (const std::string& text : {all, std::string("in \xE2\x82 the\xFF\xFE th\xF0"), all + all})
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(text)), text);
}

TEST(BytePair, BytesWithoutATokenAreUnknownOrDropped) {
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.tokens[static_cast<unsigned char>('x')] = "\u4F60";
  EXPECT_THAT(Make(vocabulary)->Encode("axb"), ElementsAre('a', 'b'));
  vocabulary.unknown = 0;
  EXPECT_THAT(Make(vocabulary)->Encode("axb"), ElementsAre('a', 0, 'b'));
}

TEST(BytePair, MergesNeverMakeAControlToken) {
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.kinds[256] = TokenKind::kControl;
  EXPECT_THAT(Make(vocabulary)->Encode("th"), ElementsAre('t', 'h'));
  vocabulary.pre = "llama-bpe";
  EXPECT_THAT(Make(vocabulary)->Encode("th"), ElementsAre('t', 'h'));
}

TEST(BytePair, ALongWordMergesLikeAShortOne) {
  const auto tokenizer = Make(SmallBytePair());
  std::string text;
  std::vector<TokenId> expected;
  for (int i = 0; i < 1000; ++i) {
    text += "thein";
    expected.insert(expected.end(), {257, 260});
  }
  EXPECT_EQ(tokenizer->Encode(text), expected);
}

TEST(SentencePiece, MergesByScoreAndPutsASpaceInFront) {
  const auto tokenizer = Make(SentencePieceVocabulary({"he", "th", " the", " ", "t", "h", "e"}));
  EXPECT_THAT(tokenizer->Encode("the"), ElementsAre(262, 263, 259));
  const auto better = Make(SentencePieceVocabulary({" the", "he", "the", "t", "h", "e", " "}));
  EXPECT_THAT(better->Encode("the the"), ElementsAre(259, 259));
  EXPECT_EQ(better->Decode(std::vector<TokenId>{259, 259}), "the the");
}

TEST(SentencePiece, NoSpaceInFrontWhereTheFileSaysSo) {
  Vocabulary vocabulary = SentencePieceVocabulary({" the", "he", "the", "t", "h", "e", " "});
  vocabulary.add_space_prefix = false;
  const auto tokenizer = Make(std::move(vocabulary));
  EXPECT_THAT(tokenizer->Encode("the"), ElementsAre(261));
  EXPECT_EQ(tokenizer->Decode(std::vector<TokenId>{259}), " the");
}

TEST(SentencePiece, ASpaceComesInFrontAfterEachSpecialToken) {
  const auto tokenizer = Make(SentencePieceVocabulary({" a", "a", " "}));
  const EncodeOptions special{.parse_special = true};
  EXPECT_THAT(tokenizer->Encode("a<s>a a</s>", special), ElementsAre(259, 1, 259, 259, 2));
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("a<s>a a</s>", special), ControlTokens::kShow),
            "a<s>a a</s>");
}

TEST(SentencePiece, CharactersWithoutATokenBecomeBytes) {
  const auto tokenizer = Make(SentencePieceVocabulary({" ", "a"}));
  EXPECT_THAT(tokenizer->Encode("a\u00E9\n"), ElementsAre(259, 260, 3 + 0xC3, 3 + 0xA9, 3 + '\n'));
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("a\u00E9\xFF\n")), "a\u00E9\xFF\n");
}

TEST(SentencePiece, CharactersWithoutTokenOrBytesAreUnknown) {
  Vocabulary vocabulary = SentencePieceVocabulary({"a"});
  vocabulary.add_space_prefix = false;
  for (auto& kind : vocabulary.kinds)
    if (kind == TokenKind::kByte) kind = TokenKind::kUnused;
  EXPECT_THAT(Make(vocabulary)->Encode("a\u00E9"), ElementsAre(259, 0));
  vocabulary.unknown.reset();
  EXPECT_THAT(Make(vocabulary)->Encode("a\u00E9"), ElementsAre(259));
}

TEST(SentencePiece, ATokenMayReachAcrossASpace) {
  Vocabulary vocabulary = SentencePieceVocabulary({"> <", " <", ">", "<", " ", "a"});
  vocabulary.add_space_prefix = false;
  EXPECT_THAT(Make(vocabulary)->Encode("a> <a <"), ElementsAre(264, 259, 264, 260));
  EXPECT_THAT(Make(SentencePieceVocabulary({"a>", "> ", "> <", ">", "<", " ", "a"}))->Encode("> <"),
              ElementsAre(264, 261));
}

TEST(SentencePiece, NeitherControlNorUnusedTokensComeFromPlainText) {
  Vocabulary vocabulary = SentencePieceVocabulary({"<s", "<", "s", ">", "s>"});
  vocabulary.add_space_prefix = false;
  vocabulary.kinds[263] = TokenKind::kUnused;
  EXPECT_THAT(Make(vocabulary)->Encode("<s>"), ElementsAre(259, 262));
  EXPECT_THAT(Make(vocabulary)->Encode("ss>"), ElementsAre(261, 261, 262));
}

TEST(WordPiece, WordsLoseCaseAndAccentsAndPunctuationStandsAlone) {
  // Words carry the mark of a space in GGUF, continuations carry nothing.
  const auto tokenizer =
      Make(WordPieceVocabulary({"\u2581cafe", "\u2581,", "\u2581un", "able", "\u2581\u4F60"}));
  EXPECT_THAT(tokenizer->Encode("Caf\u00C9,unable\u4F60\u4F60"), ElementsAre(4, 5, 6, 7, 8, 8));
  EXPECT_THAT(tokenizer->Encode("caf\u00E9\u200B \t\x01 UN", {.add_special = true}),
              ElementsAre(2, 4, 6, 3));
}

TEST(WordPiece, HashMarksContinueAWordToo) {
  const auto tokenizer = Make(WordPieceVocabulary({"un", "##able", "able"}));
  EXPECT_THAT(tokenizer->Encode("unable able"), ElementsAre(4, 5, 6));
}

TEST(WordPiece, WordsThatDoNotFitAreUnknown) {
  Vocabulary vocabulary = WordPieceVocabulary({"\u2581a", "a"});
  const auto tokenizer = Make(vocabulary);
  EXPECT_THAT(tokenizer->Encode("aaa aab"), ElementsAre(4, 5, 5, 1));
  EXPECT_EQ(tokenizer->Encode(std::string(100, 'a')).size(), 100U);
  EXPECT_THAT(tokenizer->Encode(std::string(101, 'a')), ElementsAre(1));
  EXPECT_THAT(tokenizer->Encode("a\xFF\xE2\x82"), ElementsAre(4));
  vocabulary.unknown.reset();
  EXPECT_TRUE(Make(vocabulary)->Encode("b").empty());
}

TEST(Tokenizer, ControlTokensAreReadOnlyWhereAskedForAndNeverInLiteralText) {
  const auto tokenizer = Make(SmallBytePair());
  EXPECT_EQ(tokenizer->Encode("<s>").size(), 3U);
  EXPECT_THAT(tokenizer->Encode("<s>in<s>", {.parse_special = true}), ElementsAre(261, 260, 261));
  const std::vector<ByteRange> literal = {{3, 8}};
  EXPECT_THAT(tokenizer->Encode("<s>in<s>", {.parse_special = true, .literal = literal}),
              ElementsAre(261, 260, '<', 's', '>'));
}

TEST(Tokenizer, UserDefinedTokensAreReadInPlainText) {
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.kinds[261] = TokenKind::kUserDefined;
  const auto tokenizer = Make(std::move(vocabulary));
  EXPECT_THAT(tokenizer->Encode("in<s>"), ElementsAre(260, 261));
  EXPECT_EQ(tokenizer->TokenBytes(261), "<s>");
}

TEST(Tokenizer, AnEndTokenThatIsCalledUserDefinedIsControl) {
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.kinds[262] = TokenKind::kUserDefined;
  const auto tokenizer = Make(std::move(vocabulary));
  EXPECT_GT(tokenizer->Encode("<|im_end|>").size(), 1U);
  EXPECT_TRUE(tokenizer->IsEndOfGeneration(262));
}

TEST(Tokenizer, SpecialTokensAreAddedAsTheVocabularySays) {
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.bos = 261;
  vocabulary.eos = 262;
  const EncodeOptions add{.add_special = true};
  EXPECT_THAT(Make(vocabulary)->Encode("in", add), ElementsAre(260));
  vocabulary.pre = "llama-bpe";
  EXPECT_THAT(Make(vocabulary)->Encode("in", add), ElementsAre(261, 260));
  vocabulary.add_bos = false;
  vocabulary.add_eos = true;
  EXPECT_THAT(Make(vocabulary)->Encode("in", add), ElementsAre(260, 262));
  EXPECT_THAT(Make(vocabulary)->Encode("in"), ElementsAre(260));
  EXPECT_THAT(Make(SentencePieceVocabulary({" a"}))->Encode("", add), ElementsAre(1));
}

TEST(Tokenizer, ControlTokensAreTextOnlyWhereShown) {
  const auto tokenizer = Make(SmallBytePair());
  EXPECT_EQ(tokenizer->TokenBytes(261), "");
  EXPECT_EQ(tokenizer->TokenBytes(261, ControlTokens::kShow), "<s>");
  EXPECT_EQ(tokenizer->Decode(std::vector<TokenId>{261, 260, -1, 263, 1 << 30}), "in");
  EXPECT_EQ(tokenizer->TokenBytes(-1), "");
  EXPECT_EQ(tokenizer->TokenBytes(263), "");
  EXPECT_EQ(tokenizer->vocab_size(), 263);
}

TEST(Tokenizer, KnowsTheEnds) {
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.eos = 261;
  vocabulary.eot = 5;
  vocabulary.eom = 1'000'000;
  const auto tokenizer = Make(std::move(vocabulary));
  for (const TokenId id : {261, 262, 5}) EXPECT_TRUE(tokenizer->IsEndOfGeneration(id));
  for (const TokenId id : {-1, 0, 260, 1'000'000}) EXPECT_FALSE(tokenizer->IsEndOfGeneration(id));
}

TEST(Tokenizer, FindsTokensByNameOrBytes) {
  const auto tokenizer = Make(SmallBytePair());
  EXPECT_EQ(tokenizer->FindToken("<|im_end|>"), 262);
  EXPECT_EQ(tokenizer->FindToken(" th"), 259);
  EXPECT_EQ(tokenizer->FindToken("nonesuch"), std::nullopt);
}

TEST(Tokenizer, SpecialIdsOutOfRangeAreAbsent) {
  Vocabulary vocabulary = SentencePieceVocabulary({" a"});
  vocabulary.bos = -1;
  vocabulary.eos = 260;
  vocabulary.unknown = std::numeric_limits<TokenId>::max();
  vocabulary.add_eos = true;
  const auto tokenizer = Make(std::move(vocabulary));
  EXPECT_EQ(tokenizer->bos(), std::nullopt);
  EXPECT_EQ(tokenizer->eos(), std::nullopt);
  EXPECT_THAT(tokenizer->Encode("a", {.add_special = true}), ElementsAre(259));
}

TEST(Tokenizer, EmptyAndRepeatedTokensAreHarmless) {
  Vocabulary vocabulary = SentencePieceVocabulary({"", "a", "a", "", " a"});
  vocabulary.kinds[260] = TokenKind::kControl;
  const auto tokenizer = Make(std::move(vocabulary));
  EXPECT_THAT(tokenizer->Encode("a"), ElementsAre(263));
  EXPECT_THAT(tokenizer->Encode("aa"), ElementsAre(263, 261));
}

TEST(Tokenizer, RefusesVocabulariesThatContradictThemselves) {
  Vocabulary vocabulary;
  vocabulary.model = "rwkv";
  EXPECT_THAT(ErrorOf(vocabulary), HasSubstr("unknown tokenizer 'rwkv'"));
  vocabulary.model = "llama";
  EXPECT_THAT(ErrorOf(vocabulary), HasSubstr("0 tokens"));

  vocabulary = SentencePieceVocabulary({" a"});
  vocabulary.scores.pop_back();
  EXPECT_EQ(ErrorOf(vocabulary), "the vocabulary has 260 tokens but 259 scores");
  vocabulary.scores.push_back(std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(ErrorOf(vocabulary), "the score of token 259 is not a number");
  vocabulary.kinds.pop_back();
  EXPECT_EQ(ErrorOf(vocabulary), "the vocabulary has 260 tokens but 259 token types");

  vocabulary = SmallBytePair();
  vocabulary.tokens[7].assign(5000, 'x');
  EXPECT_EQ(ErrorOf(vocabulary), "token 7 has 5000 bytes, more than 4096");
}

TEST(Tokenizer, RefusesMergesThatCannotBe) {
  for (const char* const merge : {"", "th", " ", "t ", "t h e", "t \xFF", "\xFF t"}) {
    Vocabulary vocabulary = SmallBytePair();
    vocabulary.merges.push_back(merge);
    EXPECT_THAT(ErrorOf(vocabulary), HasSubstr("merge 5 of the vocabulary")) << merge;
  }
  Vocabulary vocabulary = SmallBytePair();
  vocabulary.merges.push_back("q q");
  EXPECT_EQ(ErrorOf(vocabulary), "merge 5 of the vocabulary names a token that it does not have");
}

TEST(Tokenizer, UnknownOrMissingPreTokenizersAreErrors) {
  EXPECT_THAT(ErrorOf(BytePairVocabulary("nonesuch")), HasSubstr("'nonesuch'"));
  EXPECT_THAT(ErrorOf(BytePairVocabulary("")), HasSubstr("tokenizer.ggml.pre"));
}

TEST(Tokenizer, InfiniteScoresAreScores) {
  Vocabulary vocabulary = SentencePieceVocabulary({"ab", "bc", "a", "b", "c", " "});
  vocabulary.add_space_prefix = false;
  vocabulary.scores[259] = -std::numeric_limits<float>::infinity();
  EXPECT_THAT(Make(vocabulary)->Encode("abc"), ElementsAre(261, 260));
  vocabulary.scores[259] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(Make(vocabulary)->Encode("abc"), ElementsAre(259, 263));
}

}  // namespace
}  // namespace kinglet
