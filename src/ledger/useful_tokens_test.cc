// SPDX-License-Identifier: Apache-2.0
// What is said twice counts once, and nothing that only fills space counts.
#include "ledger/useful_tokens.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// Words with the space before them and single marks, as tokenizers cut.
std::vector<std::string_view> Cut(std::string_view text) {
  std::vector<std::string_view> tokens;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    const bool is_word = text[at] == ' ' || std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    while (is_word && end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0)
      ++end;
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

int Useful(std::string_view text, TextForm form = TextForm::kProse) {
  const auto tokens = Cut(text);
  return CountUsefulTokens(tokens, form);
}

std::string Times(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

constexpr std::string_view kDoor = "The front door opens at seven.";
constexpr int kDoorTokens = 7;

TEST(UsefulTokens, AllOfATextThatRepeatsNothing) {
  EXPECT_EQ(Useful(kDoor), kDoorTokens);
  EXPECT_EQ(Useful(""), 0);
  EXPECT_EQ(CountUsefulTokens({}, TextForm::kProse), 0);
}

TEST(UsefulTokens, ASentenceCountsOnce) {
  EXPECT_EQ(Useful(Times(std::string(kDoor) + " ", 20)), kDoorTokens);
  EXPECT_EQ(Useful(std::string(kDoor) + " It is red. THE FRONT DOOR opens, at seven."),
            kDoorTokens + 4);
}

TEST(UsefulTokens, ShortSentencesMayComeAgain) {
  EXPECT_EQ(Useful("Is it red? Yes. Is it open? Yes."), 12);
}

TEST(UsefulTokens, ALoopCountsItsFirstRound) {
  EXPECT_EQ(Useful("go" + Times(" go", 99)), 1);
  EXPECT_EQ(Useful("I think that" + Times(" I think that", 50)), 3);
}

TEST(UsefulTokens, ALoopWithinAWordCountsItsFirstRound) {
  const std::vector<std::string_view> laughter(64, "ha");
  EXPECT_EQ(CountUsefulTokens(laughter, TextForm::kProse), 1);
  const std::vector<std::string_view> brief(8, "ha");
  EXPECT_EQ(CountUsefulTokens(brief, TextForm::kProse), 8);
}

TEST(UsefulTokens, EightWordsOfAnotherSentenceDoNotCount) {
  EXPECT_EQ(Useful("We know that one two three four five six ends. "
                   "But know that one two three four five six goes on."),
            11 + 4);
}

TEST(UsefulTokens, PaddingDoesNotCount) {
  EXPECT_EQ(Useful("a" + Times("\n", 30)), 3);
  EXPECT_EQ(Useful("a" + Times(" \n", 50)), 3);
  EXPECT_EQ(Useful("a" + Times("-", 30)), 3);
  const std::vector<std::string_view> indented = {"if", "\n", "        ", "x"};
  EXPECT_EQ(CountUsefulTokens(indented, TextForm::kProse), 4);
}

TEST(UsefulTokens, AFormMayRepeatItself) {
  const std::string rows = Times(R"({"a":1,"b":2,"c":3,"d":4,"e":5},)", 3);
  EXPECT_EQ(Useful(rows, TextForm::kStructured), static_cast<int>(Cut(rows).size()));
  EXPECT_LT(Useful(rows, TextForm::kProse), static_cast<int>(Cut(rows).size()));
}

TEST(UsefulTokens, AStringInAFormMayNot) {
  EXPECT_EQ(Useful(R"({"x":")" + Times(std::string(kDoor) + " ", 9) + "\"}", TextForm::kStructured),
            6 + kDoorTokens + 2);
  EXPECT_EQ(Useful(R"(["a \" b c d. )", TextForm::kStructured),
            static_cast<int>(Cut(R"(["a \" b c d. )").size()));
  EXPECT_EQ(Useful("\"\\", TextForm::kStructured), 2);
}

TEST(UsefulTokens, WordsOfScriptsWithoutSpaces) {
  const std::string sentence = "門は七時に開きます。";
  const std::vector<std::string_view> twice = {sentence, sentence, sentence};
  EXPECT_EQ(CountUsefulTokens(twice, TextForm::kProse), 1);
}

TEST(UsefulTokens, TakesAnyBytes) {
  for (const std::string_view bytes : {"\xE3", "\x80\x80\xFF", "\xF0\x9F", "a\xC3"}) {
    const std::vector<std::string_view> tokens = {bytes, "", bytes};
    const int useful = CountUsefulTokens(tokens, TextForm::kProse);
    EXPECT_TRUE(useful == 1 || useful == 2) << useful;
  }
}

}  // namespace
}  // namespace kinglet
