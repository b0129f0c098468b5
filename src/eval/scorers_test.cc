// SPDX-License-Identifier: Apache-2.0
// Each scorer by hand; tests/ holds them against their makers' programs.
#include "eval/scorers.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace kinglet {
namespace {

using testing::ElementsAre;

std::vector<double> Score(const char* scorer, const std::string& reply,
                          const std::vector<std::string>& answers,
                          const ScorerOptions& options = {}) {
  return FindScorer(scorer)->score({.text = reply}, {.answers = answers}, options);
}

TEST(ScorersTest, EachGivesAScoreForEachMetric) {
  for (const Scorer& scorer : Scorers()) {
    const TaskReply reply{.text = "1", .logprobs = {-1, -2}};
    const Gold gold{.answers = {"1"}, .choices = {"a", "b"}, .right = {0}};
    const auto scores = scorer.score(reply, gold, {});
    ASSERT_EQ(scores.size(), scorer.metrics.size()) << scorer.name;
    for (const double score : scores) EXPECT_EQ(score, 1) << scorer.name;
    EXPECT_EQ(FindScorer(scorer.name), &scorer);
  }
  EXPECT_EQ(FindScorer("nobody"), nullptr);
}

TEST(ScorersTest, ExactMatchLooksAwayFromWhatItIsTold) {
  EXPECT_THAT(Score("exact_match", " Paris\n", {"Rome", "Paris"}), ElementsAre(1));
  EXPECT_THAT(Score("exact_match", " Paris", {"Paris"}, {.strip = false}), ElementsAre(0));
  EXPECT_THAT(Score("exact_match", "paris", {"Paris"}), ElementsAre(0));
  EXPECT_THAT(Score("exact_match", "\u00C9TAT", {"\u00E9tat"}, {.ignore_case = true}),
              ElementsAre(1));
  EXPECT_THAT(Score("exact_match", "a.b", {"ab"}, {.ignore_punctuation = true}), ElementsAre(1));
  EXPECT_THAT(Score("exact_match", "a1", {"a2"}, {.ignore_numbers = true}), ElementsAre(1));
  const auto the = TextPattern::Compile("\\bthe\\b ");
  ASSERT_TRUE(the);
  EXPECT_THAT(Score("exact_match", "in the the sea", {"in sea"}, {.ignore = {*the}}),
              ElementsAre(1));
}

TEST(ScorersTest, ContainsLooksForWords) {
  EXPECT_THAT(Score("contains", "It is Paris.", {"paris"}), ElementsAre(1));
  EXPECT_THAT(Score("contains", "It is Parisian.", {"paris"}), ElementsAre(0));
  EXPECT_THAT(Score("contains", "The answer is A.", {"A"}), ElementsAre(1)) << "no article here";
  EXPECT_THAT(Score("contains", "The answer is B.", {"A"}), ElementsAre(0));
}

TEST(ScorersTest, NumbersAreTheLastOnes) {
  EXPECT_EQ(LastNumber("2 and 2 are 1,204.50 euros."), 1204.5);
  EXPECT_EQ(LastNumber("from 3 to -4"), -4);
  EXPECT_EQ(LastNumber("in 2024-05"), 5) << "a hyphen is no sign";
  EXPECT_EQ(LastNumber("about 1.5e-3 of it"), 1.5e-3);
  EXPECT_EQ(LastNumber("1, 2, 3"), 3);
  EXPECT_EQ(LastNumber("none"), std::nullopt);
  EXPECT_EQ(LastNumber(""), std::nullopt);
  EXPECT_EQ(LastNumber("The answer is...5"), 5);
  EXPECT_EQ(LastNumber("It is.5 indeed"), 5) << "a point ends a sentence";
  EXPECT_EQ(LastNumber("half: .5"), 0.5);
  EXPECT_EQ(LastNumber("on 12.05.2024"), 2024) << "no number has two points";
  EXPECT_EQ(LastNumber("minus \u22125"), -5);
  EXPECT_THAT(Score("number", "so 72.0", {"72"}), ElementsAre(1));
  EXPECT_THAT(Score("number", "so 72.1", {"72"}), ElementsAre(0));
  EXPECT_THAT(Score("number", "so 72.1", {"72"}, {.tolerance = 0.2}), ElementsAre(1));
}

TEST(ScorersTest, ChoicesAreWeighedByTheirLength) {
  const auto score = [](const std::vector<float>& logprobs, std::size_t right) {
    return FindScorer("choice")->score(
        {.logprobs = logprobs}, {.choices = {"a", "four", "\u00E9\u00E9"}, .right = {right}}, {});
  };
  // -2; -4 / 4; -3.2 / 2 letters, / 4 bytes
  EXPECT_THAT(score({-2, -4, -3.2F}, 0), ElementsAre(1, 0, 0));
  EXPECT_THAT(score({-2, -4, -3.2F}, 1), ElementsAre(0, 1, 0));
  EXPECT_THAT(score({-2, -4, -3.2F}, 2), ElementsAre(0, 0, 1));
  EXPECT_THAT(score({-2, -2, -2}, 0), ElementsAre(1, 0, 0)) << "the first of equals";
}

TEST(ScorersTest, JsonMustSatisfyItsSchema) {
  ScorerOptions options;
  options.schema = *JsonValidator::Create(*ParseJson(R"({"required": ["a"]})"));
  EXPECT_THAT(Score("json", " {\"a\": 1}\n", {}, options), ElementsAre(1));
  EXPECT_THAT(Score("json", "{\"b\": 1}", {}, options), ElementsAre(0));
  EXPECT_THAT(Score("json", "{\"b\": 1}", {}), ElementsAre(1));
  EXPECT_THAT(Score("json", "{\"b\": 1", {}), ElementsAre(0));
}

TEST(ScorersTest, PatternsAreSearchedFor) {
  EXPECT_THAT(Score("regex", "call 555-1234 now", {"^555", "\\d{3}-\\d{4}"}), ElementsAre(1));
  EXPECT_THAT(Score("regex", "nothing", {"\\d"}), ElementsAre(0));
  const auto runaway = TextPattern::Compile("(a*)*b");
  ASSERT_TRUE(runaway);
  EXPECT_FALSE(runaway->IsIn(std::string(200, 'a')));
  EXPECT_FALSE(TextPattern::Compile("(")) << "no pattern";
}

}  // namespace
}  // namespace kinglet
