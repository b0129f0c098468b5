// SPDX-License-Identifier: Apache-2.0
// Guesses come from where the text was the same, and are judged by what came.
#include "engine/prompt_lookup.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "text/vocabulary_for_test.h"

namespace kinglet {
namespace {

class PromptLookupTest : public testing::Test {
 protected:
  PromptLookupTest()
      : tokenizer_(*Tokenizer::Create(BytePairVocabulary("qwen2", {}, {"<|endoftext|>"}))),
        lookup_(*tokenizer_) {}

  // The guess behind prompt + answer, tokens being bytes; '|' ends a text.
  std::string Guess(std::string_view prompt, std::string_view answer, std::size_t most = 8) {
    tokens_.clear();
    for (const char c : std::string(prompt) + std::string(answer)) {
      tokens_.push_back(c == '|' ? 256 : static_cast<TokenId>(c));
    }
    std::string text;
    for (const TokenId token : lookup_.Guess(tokens_, prompt.size(), most)) {
      text += static_cast<char>(token);
    }
    return text;
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  PromptLookup lookup_;
  std::vector<TokenId> tokens_;
};

TEST_F(PromptLookupTest, GoesOnAsThePromptDid) {
  EXPECT_EQ(Guess("the cat sat on the mat. Where?", "cat", 4), " sat");
}

TEST_F(PromptLookupTest, TheFirstTokenOfAnAnswerIsEnough) {
  EXPECT_EQ(Guess("abcdef:", "b", 3), "cde");
}

TEST_F(PromptLookupTest, LaterOneTokenIsNot) { EXPECT_EQ(Guess("abcdef:", "xb"), ""); }

TEST_F(PromptLookupTest, TheLongerMatchBeatsTheLater) {
  EXPECT_EQ(Guess("1abc2bc3:", "abc", 1), "2");
}

TEST_F(PromptLookupTest, OfEqualMatchesTheLatestWins) { EXPECT_EQ(Guess("ab1ab2:", "ab", 1), "2"); }

TEST_F(PromptLookupTest, CapitalsMakeNoOtherWord) {
  EXPECT_EQ(Guess("Lily was", "lily", 4), " was");
}

TEST_F(PromptLookupTest, FindsWhatTheAnswerRepeats) {
  EXPECT_EQ(Guess("?", "one, two; one,", 4), " two");
}

TEST_F(PromptLookupTest, NothingIsGuessedBehindAnEnd) { EXPECT_EQ(Guess("abc|def:", "ab"), "c"); }

TEST_F(PromptLookupTest, NothingWithoutAnAnswer) { EXPECT_EQ(Guess("ababab", ""), ""); }

TEST_F(PromptLookupTest, WhatStandsBehindAWrongTokenWasNotOnTrial) {
  EXPECT_EQ(Guess("abcdefghijklmn:", "a").size(), 8U);
  lookup_.Learn(1);
  EXPECT_EQ(lookup_.accuracy(), 0.5) << "one right, one wrong";
}

TEST_F(PromptLookupTest, RemembersHowGoodItWas) {
  EXPECT_EQ(lookup_.accuracy(), 0.5);
  const std::string prompt = "abcdefghijklmn:";
  for (int i = 0; i < 20; ++i) {
    const std::size_t guessed = Guess(prompt, "a").size();
    lookup_.Learn(guessed);
  }
  EXPECT_GT(lookup_.accuracy(), 0.95);
  for (int i = 0; i < 20; ++i) {
    Guess(prompt, "a");
    lookup_.Learn(0);
  }
  EXPECT_EQ(lookup_.accuracy(), 0.1) << "not nothing";
}

}  // namespace
}  // namespace kinglet
