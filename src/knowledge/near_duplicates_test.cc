// SPDX-License-Identifier: Apache-2.0
#include "knowledge/near_duplicates.h"

#include <cmath>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "text/plain_words.h"

namespace kinglet {
namespace {

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  for (PlainWords read(text); read.Next();) words.push_back(read.word());
  return words;
}

TEST(PlainWords, AreLettersAndDigitsInLowerCase) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(WordsOf("Don't STOP: v2.4, Größe “ÄÖ” Привет."),
            (Words{"don", "t", "stop", "v2", "4", "größe", "äö", "привет"}));
  EXPECT_EQ(WordsOf("用户a名x1"), (Words{"用", "户", "a", "名", "x1"}));
  EXPECT_EQ(WordsOf("हिन्दी भाषा"), (Words{"हिन्दी", "भाषा"}));
  EXPECT_EQ(WordsOf("a\xFF"
                    "b \xE2\x80"),
            (Words{"a", "b"}));
  EXPECT_EQ(WordsOf(" \n"), Words{});
  PlainWords words("— Zwei Wörter");
  ASSERT_TRUE(words.Next());
  EXPECT_EQ(words.range(), (ByteRange{4, 8}));
  ASSERT_TRUE(words.Next());
  EXPECT_EQ(words.range(), (ByteRange{9, 16}));
}

// Every word of a text is another one, so n words are n - 2 shingles, and two texts have just those
// in common that a stretch of the same words makes.
class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}

  std::string Words(std::size_t count) {
    std::string text;
    for (; count > 0; --count) text += "w" + std::to_string(random_()) + " ";
    return text;
  }

  struct Pair {
    std::string a, b;
    double jaccard;
  };
  // Of as many shingles, with about that share of them in common.
  Pair MakePair(double jaccard, std::size_t shingles) {
    const double wanted = 2 * jaccard / (1 + jaccard) * static_cast<double>(shingles);
    const auto common = static_cast<std::size_t>(std::lround(wanted));
    const std::string shared = Words(common + kShingleWords - 1);
    // Half of what is theirs alone stands before what they share, half behind it.
    const std::size_t own = shingles - common;
    const auto text = [&] { return Words(own / 2) + shared + Words(own - own / 2); };
    const std::size_t all = 2 * shingles - common;
    return {text(), text(), static_cast<double>(common) / static_cast<double>(all)};
  }

 private:
  std::mt19937_64 random_;
};

// The share of pairs of that similarity of which the second one is found to be like the first.
double FoundShare(double jaccard, std::size_t shingles, int pairs) {
  Writer writer(7);
  int found = 0;
  for (int i = 0; i < pairs; ++i) {
    const Writer::Pair pair = writer.MakePair(jaccard, shingles);
    EXPECT_NEAR(Jaccard(ShinglesOf(pair.a), ShinglesOf(pair.b)), pair.jaccard, 1e-9);
    EXPECT_NEAR(pair.jaccard, jaccard, 0.02);
    NearDuplicateIndex index;
    EXPECT_FALSE(index.Add(1, *SignatureOf(pair.a)));
    found += index.Add(2, *SignatureOf(pair.b)) ? 1 : 0;
  }
  return static_cast<double>(found) / pairs;
}

TEST(NearDuplicates, FindsWhatIsSimilarAndNothingElse) {
  for (const std::size_t shingles : {60U, 200U, 1000U}) {
    const int pairs = 1000;
    const double recall = FoundShare(0.8, shingles, pairs);
    const double merged = FoundShare(0.5, shingles, pairs);
    RecordProperty("recall_" + std::to_string(shingles), std::to_string(recall));
    RecordProperty("merged_" + std::to_string(shingles), std::to_string(merged));
    EXPECT_GE(recall, 0.95) << shingles;
    EXPECT_LE(merged, 0.01) << shingles;
  }
}

TEST(NearDuplicates, EstimatesWithoutBias) {
  Writer writer(11);
  for (const double jaccard : {0.2, 0.5, 0.8}) {
    double sum = 0;
    double wanted = 0;
    for (int i = 0; i < 300; ++i) {
      const Writer::Pair pair = writer.MakePair(jaccard, 300);
      sum += EstimateJaccard(*SignatureOf(pair.a), *SignatureOf(pair.b));
      wanted += pair.jaccard;
    }
    EXPECT_NEAR(sum / 300, wanted / 300, 0.01);
  }
}

TEST(NearDuplicates, DoNotMindCaseSpacesAndPunctuation) {
  Writer writer(3);
  const std::string text = writer.Words(100);
  std::string other = "\n";
  for (const char c : text) other += c == ' ' ? ",\n" : std::string(1, c == 'w' ? 'W' : c);
  EXPECT_EQ(SignatureOf(text), SignatureOf(other));
  EXPECT_TRUE(SignatureOf(text));
}

TEST(NearDuplicates, NameTheMostSimilarOneOfThoseThatCameFirst) {
  Writer writer(5);
  const std::string text = writer.Words(1000);
  const std::string half_a_tail = writer.Words(150);
  NearDuplicateIndex index;
  EXPECT_FALSE(index.Add(10, *SignatureOf(writer.Words(1000))));
  EXPECT_FALSE(index.Add(11, *SignatureOf(text + half_a_tail + writer.Words(150))));
  EXPECT_FALSE(index.Add(12, *SignatureOf(writer.Words(300) + text)));
  const auto match = index.Add(13, *SignatureOf(text + half_a_tail));
  ASSERT_TRUE(match);
  EXPECT_EQ(match->id, 11);
  EXPECT_NEAR(match->jaccard, 1150.0 / 1300, 0.1);
  // 13 has gone into its original: what is like it is like that.
  EXPECT_EQ(index.Add(14, *SignatureOf(text + half_a_tail))->id, 11);
}

TEST(NearDuplicates, SayNothingOfAFewWords) {
  Writer writer(9);
  EXPECT_FALSE(SignatureOf(""));
  EXPECT_FALSE(SignatureOf(writer.Words(33)));
  EXPECT_TRUE(SignatureOf(writer.Words(34)));
  EXPECT_EQ(Jaccard({}, {}), 0);
}

}  // namespace
}  // namespace kinglet
