// SPDX-License-Identifier: Apache-2.0
#include "eval/load_prompt.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

std::size_t WordsOf(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, ' '));
}

std::string Prompt(const PromptMaker& prompts, std::vector<std::uint64_t> blocks,
                   std::size_t tokens, std::size_t row = 0) {
  return prompts.Make({.blocks = std::move(blocks)}, {.prompt_tokens = tokens, .row = row});
}

TEST(LoadPrompt, CountsAsTheServerDoes) {
  const WordTokens counts = FitWordTokens(20, 33, 100, 153);
  EXPECT_DOUBLE_EQ(counts.per_word, 1.5);
  EXPECT_DOUBLE_EQ(counts.extra, 3);
  EXPECT_EQ(WordsOf(Prompt({1, 1, counts}, {}, 303)), 200U);
  EXPECT_EQ(WordsOf(Prompt({1, 1, counts}, {}, 1)), 1U);
  EXPECT_EQ(WordsOf(PromptMaker::AllWords(2)), 2 * PromptMaker::word_count());
  EXPECT_EQ(FitWordTokens(20, 0, 100, 0).per_word, 1);  // a server that does not count
}

TEST(LoadPrompt, GivesTheSameBlockTheSameText) {
  const PromptMaker prompts(1, 0.125, {.per_word = 1, .extra = 0});  // blocks of 64 words
  const std::string both = Prompt(prompts, {5, 6}, 128);
  EXPECT_EQ(WordsOf(both), 128U);
  EXPECT_TRUE(Prompt(prompts, {5, 9}, 128, 3).starts_with(prompts.Words(5, 64)));
  EXPECT_EQ(both, prompts.Words(5, 64) + prompts.Words(6, 64));
  EXPECT_TRUE(both.starts_with(Prompt(prompts, {5, 6}, 100, 1)));  // the last block is cut
  EXPECT_NE(prompts.Words(5, 64), prompts.Words(6, 64));
  EXPECT_NE(both, Prompt({2, 0.125, {}}, {5, 6}, 128));
}

TEST(LoadPrompt, SharesNothingBetweenPromptsWithoutBlocks) {
  const PromptMaker prompts(1, 1, {});
  EXPECT_EQ(Prompt(prompts, {}, 50, 4), Prompt(prompts, {}, 50, 4));
  for (std::size_t row = 0; row < 100; ++row) {
    const std::string one = Prompt(prompts, {}, 50, row);
    const std::string next = Prompt(prompts, {}, 50, row + 1);
    const auto [differs, _] = std::ranges::mismatch(one, next);
    EXPECT_LT(differs - one.begin(), 30) << row;
  }
}

}  // namespace
}  // namespace kinglet
