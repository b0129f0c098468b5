// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::ElementsAre;

std::vector<std::string> Words(std::string_view name, std::string_view text) {
  auto pre_tokenizer = PreTokenizer::Create(name);
  if (!pre_tokenizer) return {pre_tokenizer.error().message()};
  std::vector<std::string> words;
  std::size_t begin = 0;
  for (const std::uint32_t end : pre_tokenizer->Split(text)) {
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  EXPECT_EQ(begin, text.size());
  return words;
}

TEST(PreTokenizer, Gpt2KeepsOneSpaceWithTheWord) {
  EXPECT_THAT(Words("gpt-2", "It's  1234 days!\n\n"),
              ElementsAre("It", "'s", " ", " 1234", " days", "!", "\n\n"));
  EXPECT_THAT(Words("gpt-2", "IT'S"), ElementsAre("IT", "'", "S"));
}

TEST(PreTokenizer, StarCoderSplitsDigits) {
  EXPECT_THAT(Words("starcoder", "a 12"), ElementsAre("a", " ", "1", "2"));
}

TEST(PreTokenizer, Llama3TakesDigitsInThreesAndContractionsOfAnyCase) {
  EXPECT_THAT(Words("llama-bpe", "IT'S 1234567 (ok)\n x"),
              ElementsAre("IT", "'S", " ", "123", "456", "7", " (", "ok", ")\n", " x"));
}

TEST(PreTokenizer, Qwen2TakesDigitsOneByOne) {
  EXPECT_THAT(Words("qwen2", "a12 \n b"), ElementsAre("a", "1", "2", " \n", " b"));
}

TEST(PreTokenizer, Qwen35KeepsMarksWithLetters) {
  EXPECT_THAT(Words("qwen2", "e\u0301a"), ElementsAre("e", "\u0301a"));
  EXPECT_THAT(Words("qwen35", "e\u0301a"), ElementsAre("e\u0301a"));
}

TEST(PreTokenizer, TekkenAndGpt4oSplitAtCapitals) {
  EXPECT_THAT(Words("tekken", "camelCase HTTPServer's 12"),
              ElementsAre("camel", "Case", " HTTPServer", "'s", " ", "1", "2"));
  EXPECT_THAT(Words("gpt-4o", "camelCase isn't 1234"),
              ElementsAre("camel", "Case", " isn't", " ", "123", "4"));
}

TEST(PreTokenizer, KimiK2KeepsHanApart) {
  EXPECT_THAT(Words("kimi-k2", "abc\u4F60\u597DDef'll"),
              ElementsAre("abc", "\u4F60\u597D", "Def'll"));
  EXPECT_THAT(Words("gpt-4o", "abc\u4F60\u597D"), ElementsAre("abc\u4F60\u597D"));
}

TEST(PreTokenizer, FalconSplitsPunctuationAndThreeDigits) {
  EXPECT_THAT(Words("falcon", "a+=12345"), ElementsAre("a", "+=", "123", "45"));
}

TEST(PreTokenizer, BloomAndVikingKeepPunctuationApart) {
  EXPECT_THAT(Words("bloom", "one, two12"), ElementsAre("one", ",", " two12"));
  EXPECT_THAT(Words("viking", "one, two12"), ElementsAre("one", ",", " two", "1", "2"));
}

TEST(PreTokenizer, DeepSeekHasAWayForEachOfItsModels) {
  EXPECT_THAT(Words("deepseek-llm", "x yz, 12\n\u4F60"),
              ElementsAre("x", " yz", ",", " ", "12", "\n", "\u4F60"));
  EXPECT_THAT(Words("deepseek-coder", "x yz, 12"), ElementsAre("x", " yz", ",", " ", "1", "2"));
  EXPECT_THAT(Words("deepseek-v3", "x .yz 1234\u4F60\u3042"),
              ElementsAre("x", " .", "yz", " ", "123", "4", "\u4F60\u3042"));
}

TEST(PreTokenizer, ChameleonSplitsImagesDigitsAndPunctuation) {
  EXPECT_THAT(Words("chameleon", "IMGIMGABZ a?!1"), ElementsAre("IMGIMGABZ", " a", "?", "!", "1"));
}

TEST(PreTokenizer, SuperBpeGroupsDigitsFromTheEnd) {
  EXPECT_THAT(Words("superbpe", "a b 1234567 c"), ElementsAre("a b ", "1", "234", "567", " c"));
  EXPECT_THAT(Words("superbpe", "123456"), ElementsAre("123", "456"));
}

TEST(PreTokenizer, SmallDifferencesBetweenKin) {
  EXPECT_THAT(Words("seed-coder", "!\n\n"), ElementsAre("!", "\n\n"));
  EXPECT_THAT(Words("bailingmoe", "IT'LL 12!\n"), ElementsAre("IT", "'LL", " ", "1", "2", "!\n"));
}

TEST(PreTokenizer, ReadsUnicodeAsTheModelsOwnExpressionsDo) {
  // U+180E is no white space; U+3001 is only used with Han, not of it.
  EXPECT_THAT(Words("llama-bpe", "a \u180Eb"), ElementsAre("a", " \u180E", "b"));
  EXPECT_THAT(Words("kimi-k2", "\u4F60\u3001\u4F60"), ElementsAre("\u4F60", "\u3001", "\u4F60"));
  EXPECT_THAT(Words("superbpe",
                    "\u00BD\u0661\u0662\u0663"
                    "4"),
              ElementsAre("\u00BD\u0661",
                          "\u0662\u0663"
                          "4"));
}

TEST(PreTokenizer, ErrorsNameWhatIsWrong) {
  EXPECT_THAT(PreTokenizer::Create("nonesuch").error().message(),
              testing::StartsWith("unknown pre-tokenizer 'nonesuch'"));
  EXPECT_THAT(PreTokenizer::Create("").error().message(),
              testing::HasSubstr("no pre-tokenizer (tokenizer.ggml.pre)"));
}

TEST(PreTokenizer, QwenNormalizesToNfc) {
  std::string buffer;
  EXPECT_EQ(PreTokenizer::Create("qwen2")->Normalize("e\u0301", buffer), "\u00E9");
  EXPECT_EQ(PreTokenizer::Create("llama-bpe")->Normalize("e\u0301", buffer), "e\u0301");
}

TEST(PreTokenizer, LongRunsArePiecesLikeAnyOther) {
  for (const char* const name : {"gpt-2", "llama-bpe", "qwen2", "tekken", "gpt-4o", "kimi-k2",
                                 "deepseek-llm", "deepseek-v3", "falcon", "bloom"}) {
    for (const char letter : {'a', 'A', ' ', '\n', '!'}) {
      const std::string run(300'000, letter);
      EXPECT_LE(Words(name, run).size(), letter == '\n' ? run.size() : 2U) << name << letter;
    }
  }
}

}  // namespace
}  // namespace kinglet
