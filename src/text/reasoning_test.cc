// SPDX-License-Identifier: Apache-2.0
// Thoughts and answers come apart the same, however the text is cut.
#include "text/reasoning.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

struct Case {
  bool begun;
  std::string_view said, reasoning, text;
};

constexpr Case kCases[] = {
    {false, "Hello", "", "Hello"},
    {false, "  Hello", "", "  Hello"},
    {false, "<think>\nfirst this\n</think>\n\nHello", "first this\n", "Hello"},
    {false, "\n<think>a < b</think>Hello", "a < b", "Hello"},
    {false, "<think></think>Hello", "", "Hello"},
    {false, "<think>never ends </thin", "never ends </thin", ""},
    {false, "<thinker>", "", "<thinker>"},
    {false, "Hello <think>no thought</think>", "", "Hello <think>no thought</think>"},
    {true, "that</think>\nHello", "that", "Hello"},
    {true, "cut short", "cut short", ""},
    {false, "<think>one</think> <think>two</think>", "one", "<think>two</think>"},
    {false, "", "", ""},
    {false, "<thi", "", "<thi"},
};

TEST(ReasoningSplitterTest, TakesThoughtAndAnswerApartHoweverTheyAreCut) {
  for (const Case& wanted : kCases) {
    for (std::size_t piece = 1; piece <= wanted.said.size() + 1; ++piece) {
      ReasoningSplitter splitter(wanted.begun);
      std::string reasoning;
      std::string text;
      const auto add = [&](const ReasoningSplitter::Parts& parts) {
        reasoning += parts.reasoning;
        text += parts.text;
      };
      for (std::size_t at = 0; at < wanted.said.size(); at += piece) {
        add(splitter.Push(wanted.said.substr(at, piece)));
      }
      add(splitter.Finish());
      EXPECT_EQ(reasoning, wanted.reasoning) << wanted.said << " by " << piece;
      EXPECT_EQ(text, wanted.text) << wanted.said << " by " << piece;
    }
  }
}

TEST(ReasoningSplitterTest, TellsWhetherItIsThinking) {
  ReasoningSplitter splitter(false);
  EXPECT_FALSE(splitter.thinks());
  (void)splitter.Push("<think>hm");
  EXPECT_TRUE(splitter.thinks());
  (void)splitter.Push("</think>");
  EXPECT_FALSE(splitter.thinks());
}

}  // namespace
}  // namespace kinglet
