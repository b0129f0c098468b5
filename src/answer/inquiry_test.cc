// SPDX-License-Identifier: Apache-2.0
// What is looked for behind an earlier question: never more than was asked, and nothing that spoils
// the next.
#include "answer/inquiry.h"

#include <gtest/gtest.h>

#include "answer/ask_for_test.h"

namespace kinglet {
namespace {

class InquiryTest : public AskTest {
 protected:
  // What is understood where the model's rewriting is `rewritten`.
  Inquiry Behind(const std::string& earlier, const std::string& question,
                 const std::string& rewritten = "No such thing was said.") {
    ScriptedModel model(rewritten);
    const std::vector<Turn> turns = {{earlier, ""}};
    return InquireBehind(turns, question, {*library_}, model, {}, {}).value();
  }
};

const std::string kAlien = "What does the alien utility convert?";
const std::string kPassword = "Which command edits the password file?";

TEST_F(InquiryTest, TakesWhatTheModelWroteOut) {
  const std::string rewritten = "When was the alien utility written?";
  const Inquiry inquiry = Behind(kAlien, "When was it written?", rewritten);
  EXPECT_EQ(inquiry.question, rewritten);
  EXPECT_FALSE(inquiry.gate.abstain);
}

TEST_F(InquiryTest, AChangeOfTopicStandsAlone) {
  const Inquiry inquiry = Behind(kAlien, kPassword);
  EXPECT_EQ(inquiry.question, kPassword);
  EXPECT_FALSE(inquiry.gate.abstain);
}

TEST_F(InquiryTest, WhatWasOffTopicSpoilsNothing) {
  const std::string cup = "Who won the football cup in the stadium yesterday?";
  EXPECT_EQ(Behind(cup, kPassword).question, kPassword);
  const Inquiry word = Behind(cup, "And the queue?");
  EXPECT_EQ(word.question, "And the queue?");
  EXPECT_FALSE(word.gate.abstain);
}

TEST_F(InquiryTest, AQuestionOfAWordBorrowsThoseOfTheOneBefore) {
  const Inquiry inquiry = Behind(kAlien, "When was it written?");
  EXPECT_EQ(inquiry.question, kAlien + " When was it written?");
  EXPECT_FALSE(inquiry.gate.abstain);
  EXPECT_EQ(Behind(kAlien, "And why?").question, kAlien + " And why?");
}

TEST_F(InquiryTest, WhatIsUnknownIsNotAnsweredByTheOneBefore) {
  const Inquiry inquiry = Behind(kAlien, "Who won the football cup?");
  EXPECT_EQ(inquiry.question, "Who won the football cup?");
  EXPECT_EQ(inquiry.gate.abstain, AbstainReason::kOffTopic);
  EXPECT_EQ(inquiry.gate.explanation, "the library never mentions: won, football, cup");
  EXPECT_TRUE(Behind(kAlien, "And for hamsters?").gate.abstain);
}

}  // namespace
}  // namespace kinglet
