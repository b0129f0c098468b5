// SPDX-License-Identifier: Apache-2.0
// Systems of a few questions, worked out by hand; and what a file of outcomes must hold.
#include "eval/cascade_figures.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The small model costs 1, the large one 4.
CascadeQuestion Question(const std::string& group, double confidence, bool small, bool large) {
  const auto answer = [](bool is_right, double sure, double cost) {
    const double worth = is_right ? 1 : 0;
    return JudgedAnswer{
        .confidence = sure, .right = worth, .useful = worth, .tokens = 2 * worth, .cost = cost};
  };
  return {.id = fmt::format("{}{}", group, confidence),
          .group = group,
          .small = answer(small, confidence, 1),
          .large = answer(large, 0.5, 4)};
}

// In each group the small model is right where it is sure, the large one but once.
std::vector<CascadeQuestion> Questions() {
  std::vector<CascadeQuestion> questions;
  for (const char* const group : {"a", "b"}) {
    questions.push_back(Question(group, 0.9, true, true));
    questions.push_back(Question(group, 0.8, true, false));
    questions.push_back(Question(group, 0.3, false, true));
    questions.push_back(Question(group, 0.2, false, true));
  }
  return questions;
}

TEST(CascadeFigures, SetsTheCascadeBesideTheOthers) {
  const CascadeFigures figures = MeasureCascade(Questions(), {0});
  EXPECT_EQ(figures.questions, 8U);
  EXPECT_EQ(figures.groups, 2U);
  ASSERT_EQ(figures.systems.size(), 5U);
  const CascadeSystem& small = figures.systems[0];
  EXPECT_EQ(small.name, "always small");
  EXPECT_DOUBLE_EQ(small.right.mean, 0.5);
  EXPECT_DOUBLE_EQ(small.points.mean, -25);
  EXPECT_DOUBLE_EQ(small.cost, 1);
  EXPECT_DOUBLE_EQ(small.cost_per_useful_answer, 2);
  EXPECT_DOUBLE_EQ(small.cost_per_useful_token, 1);
  EXPECT_DOUBLE_EQ(small.share_of_large.mean, 0.375);
  const CascadeSystem& large = figures.systems[1];
  EXPECT_DOUBLE_EQ(large.right.mean, 0.75);
  EXPECT_DOUBLE_EQ(large.cost, 4);
  EXPECT_DOUBLE_EQ(large.share_of_large.mean, 1);
  // A lower threshold loses no more than the large model's own mistake does: 0.3 is accepted, too.
  const CascadeSystem& cascade = figures.systems[2];
  EXPECT_EQ(cascade.accept, 0.3);
  EXPECT_DOUBLE_EQ(cascade.accepted, 0.75);
  EXPECT_DOUBLE_EQ(cascade.right.mean, 0.75);
  EXPECT_DOUBLE_EQ(cascade.points.mean, 0);
  EXPECT_DOUBLE_EQ(cascade.cost, 1 + 0.25 * 4);
  // At a cost of 2 two thirds go to the small model alone.
  const CascadeSystem& mix = figures.systems[3];
  EXPECT_EQ(mix.name, "random mix");
  EXPECT_DOUBLE_EQ(mix.cost, 2);
  EXPECT_DOUBLE_EQ(mix.accepted, 2.0 / 3);
  EXPECT_DOUBLE_EQ(mix.right.mean, 2.0 / 3 * 0.5 + 1.0 / 3 * 0.75);
  const CascadeSystem& oracle = figures.systems[4];
  EXPECT_DOUBLE_EQ(oracle.right.mean, 1);
  EXPECT_DOUBLE_EQ(oracle.accepted, 0.5);
}

TEST(CascadeFigures, CountsWhatIsGivenUpByItsOwnCost) {
  std::vector<CascadeQuestion> questions = Questions();
  for (CascadeQuestion& question : questions) question.given_up_cost = 0.5;
  const CascadeFigures figures = MeasureCascade(questions, {0});
  EXPECT_DOUBLE_EQ(figures.systems[0].cost, 1);
  EXPECT_DOUBLE_EQ(figures.systems[2].cost, 0.75 * 1 + 0.25 * 4.5);
}

TEST(CascadeFigures, WhatIsNeverUsefulHasNoCost) {
  std::vector<CascadeQuestion> questions = Questions();
  for (CascadeQuestion& question : questions) question.small.useful = question.small.tokens = 0;
  const CascadeSystem small = MeasureCascade(questions, {0}).systems[0];
  EXPECT_TRUE(std::isinf(small.cost_per_useful_answer));
  EXPECT_TRUE(std::isinf(small.cost_per_useful_token));
  EXPECT_TRUE(std::isinf(small.share_of_large.low)) << "nothing is not the cheapest";
}

TEST(CascadeFigures, JudgesAGroupByTheOthers) {
  std::vector<CascadeQuestion> questions = Questions();
  for (CascadeQuestion& question : questions) {
    if (question.group == "b") question.small.right = 0;
  }
  // Of b nothing is accepted by b, of a all but the last by a: each the other way round.
  EXPECT_DOUBLE_EQ(MeasureCascade(questions, {0}).systems[2].accepted, 3.0 / 8);
}

constexpr const char* kRun = R"({"data":"d","passages":"given","plain":false,"closed_book":false})"
                             "\n";

std::string Line(const std::string& id, double quoted, const std::string& rest) {
  return fmt::format(R"({{"id":"{}","group":"g","span":"x","p_quoted":{},"p_answerable":0.25,)"
                     R"("signals":{{"tokens":3}},{}}})"
                     "\n",
                     id, quoted, rest);
}

Result<std::vector<CascadeQuestion>> Read(const std::string& small, const std::string& large) {
  return ReadCascade({"small.jsonl", small}, {"large.jsonl", large}, 0.7);
}

TEST(CascadeFigures, ReadsWhatBothFilesHold) {
  const std::string of = R"("answerable":true,"quoted":true,"cost":{"machine_ms":7})";
  const std::string none = R"("answerable":false,"quoted":false)";
  const auto questions = Read(kRun + Line("a", 0.5, of) + Line("b", 0.2, none) + Line("c", 0.5, of),
                              kRun + Line("b", 0.5, none) + Line("a", 0.2, of));
  ASSERT_TRUE(questions) << questions.error().message();
  ASSERT_EQ(questions->size(), 2U);
  const CascadeQuestion& b = (*questions)[0];
  EXPECT_EQ(b.id, "b");
  EXPECT_EQ(b.small.confidence, 0.75);  // abstains
  EXPECT_EQ(b.small.right, 1);
  EXPECT_EQ(b.small.useful, 0);
  EXPECT_FALSE(b.small.cost);
  EXPECT_EQ(b.large.right, 0);
  const CascadeQuestion& a = (*questions)[1];
  EXPECT_EQ(a.small.confidence, 0.5);
  EXPECT_EQ(a.small.right, 1);
  EXPECT_EQ(a.small.tokens, 3);
  EXPECT_EQ(a.small.cost, 7);
  EXPECT_EQ(a.large.right, 0);
  EXPECT_EQ(a.large.tokens, 0);
}

TEST(CascadeFigures, TakesNoCostOfMoreThanAReading) {
  const std::string plain = R"({"data":"d","passages":"given","plain":true,"closed_book":false})"
                            "\n";
  const std::string line =
      Line("a", 0.5, R"("answerable":true,"quoted":true,"cost":{"machine_ms":7})");
  const auto questions = Read(kRun + line, plain + line);
  ASSERT_TRUE(questions) << questions.error().message();
  EXPECT_EQ(questions->front().small.cost, 7);
  EXPECT_FALSE(questions->front().large.cost);
}

TEST(CascadeFigures, RefusesFilesThatDoNotGoTogether) {
  const std::string line = Line("a", 0.5, R"("answerable":true,"quoted":true)");
  const auto fault = [&](const std::string& small) {
    const auto questions = Read(small, kRun + line);
    return questions ? std::string() : questions.error().message();
  };
  EXPECT_EQ(fault(kRun + line), "");
  EXPECT_THAT(fault(R"({"data":"e","passages":"given","plain":false,"closed_book":false})"
                    "\n" +
                    line),
              HasSubstr("other data"));
  EXPECT_THAT(fault(kRun + Line("b", 0.5, R"("answerable":true,"quoted":true)")),
              HasSubstr("share no question"));
  EXPECT_THAT(fault(kRun + Line("a", 0.5, R"("answerable":true)")),
              HasSubstr("\"quoted\" must be"));
  EXPECT_THAT(fault(kRun + std::string("{")), StartsWith("small.jsonl: line 2: "));
  const auto of_large = Read(kRun + line, "{");
  ASSERT_FALSE(of_large);
  EXPECT_THAT(of_large.error().message(), StartsWith("large.jsonl: line 1: "));
}

}  // namespace
}  // namespace kinglet
