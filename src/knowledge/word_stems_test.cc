// SPDX-License-Identifier: Apache-2.0
// Which words are the same word, and where they stand.
#include "knowledge/word_stems.h"

#include <gmock/gmock.h>

namespace kinglet {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Stems(std::string_view text) {
  std::vector<std::string> out;
  for (const WordStem& word : StemWords(text)) out.push_back(word.stem);
  return out;
}

TEST(StemWords, BringsFormsOfAWordTogether) {
  EXPECT_THAT(Stems("Installing installed INSTALLS"), ElementsAre("instal", "instal", "instal"));
}

TEST(StemWords, FoldsAccentsWidthsAndApostrophes) {
  EXPECT_THAT(Stems("Café cafe\xCC\x81 ｃａｆé"), ElementsAre("cafe", "cafe", "cafe"));
  EXPECT_EQ(Stems("hen’s"), Stems("hen's"));
  EXPECT_EQ(Stems("STRASSE"), Stems("Straße"));
}

TEST(StemWords, CutsNamesOfFilesButNotNumbers) {
  EXPECT_THAT(Stems("/etc/apt/sources.list"), ElementsAre("etc", "apt", "sourc", "list"));
  EXPECT_THAT(Stems("foo_bar 2.4.1 v2.x"), ElementsAre("foo", "bar", "2.4.1", "v2", "x"));
}

TEST(StemWords, TellsWhereAWordStands) {
  const std::vector<WordStem> words = StemWords("é, the hens");
  ASSERT_EQ(words.size(), 3U);
  EXPECT_EQ(words[2].begin, 8U);
  EXPECT_EQ(words[2].end, 12U);
}

TEST(StemWords, MarksStopWords) {
  const std::vector<WordStem> words = StemWords("How does THE hen");
  ASSERT_EQ(words.size(), 4U);
  EXPECT_TRUE(words[0].stop_word && words[1].stop_word && words[2].stop_word);
  EXPECT_FALSE(words[3].stop_word);
}

TEST(StemWords, TakesLongWordsAndBytesThatAreNoUtf8) {
  EXPECT_EQ(Stems(std::string(5000, 'x')).at(0).size(), 64U);
  EXPECT_THAT(Stems("a\xFF"
                    "b\xC3"),
              ElementsAre("a", "b"));
  EXPECT_TRUE(Stems("!? ... \xE2\x80\x94").empty());
}

}  // namespace
}  // namespace kinglet
