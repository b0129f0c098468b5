// SPDX-License-Identifier: Apache-2.0
// Where sentences end, and where they do not.
#include "knowledge/sentences.h"

#include <gmock/gmock.h>

namespace kinglet {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Sentences(std::string_view text) {
  std::vector<std::string> out;
  for (const ByteRange& range : SplitSentences(text)) out.emplace_back(range.Of(text));
  return out;
}

TEST(SplitSentences, EndsAtFullStops) {
  EXPECT_THAT(Sentences(" A hen. Two hens! Three?  "),
              ElementsAre("A hen.", "Two hens!", "Three?"));
}

TEST(SplitSentences, KeepsAbbreviationsInitialsAndFileNamesTogether) {
  EXPECT_THAT(Sentences("Use e.g. Debian. Ask Mr. Fox or J. Doe."),
              ElementsAre("Use e.g. Debian.", "Ask Mr. Fox or J. Doe."));
  EXPECT_THAT(Sentences("Edit /etc/apt/sources.list first. Version 2.4 is out."),
              ElementsAre("Edit /etc/apt/sources.list first.", "Version 2.4 is out."));
}

TEST(SplitSentences, ALineBreakEndsNoneButAnEmptyLineDoes) {
  EXPECT_THAT(Sentences("One\ntwo\n \nthree"), ElementsAre("One\ntwo", "three"));
}

TEST(SplitSentences, LeavesMarksOfListItemsOut) {
  EXPECT_THAT(Sentences("Buy:\n- eggs\n* milk\n12. bread\n-x"),
              ElementsAre("Buy:", "eggs", "milk", "bread\n-x"));
}

TEST(SplitSentences, KnowsOtherScripts) {
  EXPECT_THAT(Sentences("私は鶏です。卵を産む。"), ElementsAre("私は鶏です。", "卵を産む。"));
  EXPECT_THAT(Sentences("“Is it?” She said so."), ElementsAre("“Is it?”", "She said so."));
}

TEST(SplitSentences, TakesNothingAndBytesThatAreNoUtf8) {
  EXPECT_TRUE(SplitSentences("").empty());
  EXPECT_TRUE(SplitSentences(" \n\n").empty());
  for (const ByteRange& range : SplitSentences("a\xFF\xC3. B\xE2\x82")) EXPECT_LE(range.end, 8U);
}

}  // namespace
}  // namespace kinglet
