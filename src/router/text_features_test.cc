// SPDX-License-Identifier: Apache-2.0
#include "router/text_features.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

double Length(const std::vector<TextFeature>& features, bool words) {
  double squares = 0;
  for (const auto& [bucket, value] : features) {
    if ((bucket < kFeatureBuckets / 2) == words) squares += double{value} * value;
  }
  return std::sqrt(squares);
}

TEST(TextFeatures, OfEachKindHaveLengthOne) {
  const auto features = TextFeatures("Where is my invoice, where?");
  EXPECT_NEAR(Length(features, true), 1, 1e-6);
  EXPECT_NEAR(Length(features, false), 1, 1e-6);
  for (std::size_t i = 1; i < features.size(); ++i) {
    EXPECT_LT(features[i - 1].bucket, features[i].bucket);
  }
  EXPECT_LT(features.back().bucket, kFeatureBuckets);
}

TEST(TextFeatures, LookAtWordsAlone) {
  EXPECT_EQ(TextFeatures("Where is IT"), TextFeatures(" where, is it?"));
  EXPECT_NE(TextFeatures("where is it"), TextFeatures("is it where"));
  EXPECT_TRUE(TextFeatures("").empty());
  EXPECT_TRUE(TextFeatures(" ?!\xFF").empty());
}

TEST(TextFeatures, TextsOfTheSameWordsAreSeenAsOne) {
  EXPECT_EQ(SeenWords(" Where,  is IT?"), "where is it");
  EXPECT_EQ(SeenWords("?!"), "");
  const std::string text(kMaxFeatureBytes, 'a');
  EXPECT_EQ(SeenWords(text + "b"), text);
}

TEST(TextFeatures, ABlankTextIsWhiteSpaceAlone) {
  for (const char* const text : {"", " ", "\t\r\n", "\u00a0 \u3000"}) EXPECT_TRUE(IsBlank(text));
  for (const char* const text : {"a", " ?", "\xff"}) EXPECT_FALSE(IsBlank(text));
}

TEST(TextFeatures, EndAtTheLimitBetweenCharacters) {
  std::string text = "a";
  while (text.size() < kMaxFeatureBytes) text += "ä";  // the limit is inside of the last one
  EXPECT_EQ(TextFeatures(text), TextFeatures(text.substr(0, kMaxFeatureBytes - 1)));
  EXPECT_EQ(TextFeatures(text + "ö ö"), TextFeatures(text));
}

TEST(TextFeatures, OfWordsSumToTheTexts) {
  const std::string text = "pay the bill, the bill!";
  std::map<std::uint32_t, double> sums;
  const auto words = FeaturesOfWords(text);
  ASSERT_EQ(words.size(), 5U);
  EXPECT_EQ(words[4].range.Of(text), "bill");
  for (const WordFeatures& word : words) {
    for (const auto& [bucket, value] : word.features) sums[bucket] += value;
  }
  const auto features = TextFeatures(text);
  ASSERT_EQ(sums.size(), features.size());
  for (const auto& [bucket, value] : features) EXPECT_NEAR(sums[bucket], value, 1e-6);
}

}  // namespace
}  // namespace kinglet
