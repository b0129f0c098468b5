// SPDX-License-Identifier: Apache-2.0
// When passages are about a question: by their words, and by their meaning where that is known.
#include "answer/gate.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// A question of four words of equal weight, the last of them a name.
std::vector<Term> Question() {
  std::vector<Term> terms;
  for (const char* word : {"edit", "password", "file", "debian"}) {
    terms.push_back({.stem = word, .word = word, .weight = 1, .chunk_count = 3});
  }
  terms.back().is_name = true;
  return terms;
}

GateDecision Decide(std::vector<Passage> passages) {
  return Gate(Question(), Evidence(std::move(passages)));
}

TEST(GateTest, WordsAloneMustCoverTheQuestion) {
  EXPECT_EQ(Decide({}).abstain, AbstainReason::kOffTopic);
  EXPECT_EQ(Decide({{.text = "Moons have craters."}}).abstain, AbstainReason::kOffTopic);
  const GateDecision answers = Decide({{.text = "Debian keeps each password."}});
  EXPECT_FALSE(answers.abstain);
  EXPECT_DOUBLE_EQ(answers.coverage, 0.5);
  EXPECT_DOUBLE_EQ(answers.topic, 0.5);
  EXPECT_DOUBLE_EQ(answers.answers, 0.5);
}

TEST(GateTest, WhatIsNamedMustStandThere) {
  const GateDecision decision = Decide({{.text = "Edit the password file."}});
  EXPECT_EQ(decision.abstain, AbstainReason::kMissing);
  EXPECT_DOUBLE_EQ(decision.topic, 0.75);
  EXPECT_EQ(decision.answers, 0);
}

TEST(GateTest, MeaningStandsInForWords) {
  const Passage other_words{.text = "On Debian, vipw changes credentials.", .similarity = 0.7};
  const GateDecision decision = Decide({other_words});
  EXPECT_FALSE(decision.abstain);
  EXPECT_DOUBLE_EQ(decision.coverage, 0.25);
  EXPECT_DOUBLE_EQ(decision.topic, (2 * 0.7 + 0.25) / 3);
  Passage by_words = other_words;
  by_words.similarity.reset();
  EXPECT_EQ(Decide({by_words}).abstain, AbstainReason::kOffTopic);
}

TEST(GateTest, WordsInCommonAreNotATopic) {
  const Passage about_else{.text = "Debian has a file on moons.", .similarity = 0.2};
  EXPECT_EQ(Decide({about_else}).abstain, AbstainReason::kOffTopic);
}

}  // namespace
}  // namespace kinglet
