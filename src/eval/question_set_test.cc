// SPDX-License-Identifier: Apache-2.0
// Three layouts, and what is drawn of them.
#include "eval/question_set.h"

#include <algorithm>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kSquad = R"({"version": "v2.0", "data": [{"title": "Normans",
  "paragraphs": [{"context": "They came in 1066.", "qas": [
    {"id": "1", "question": "When?", "is_impossible": false,
     "answers": [{"text": "1066", "answer_start": 13}, {"text": "in 1066", "answer_start": 10}]},
    {"id": "2", "question": "Why?", "is_impossible": true, "answers": []}]}]}]})";

TEST(QuestionSetTest, ReadsSquad) {
  const auto questions = ParseQuestionSet(kSquad).value();
  ASSERT_EQ(questions.size(), 2U);
  EXPECT_EQ(questions[0].group, "Normans");
  EXPECT_EQ(questions[0].passages->front().text, "They came in 1066.");
  EXPECT_EQ(questions[0].passages, questions[1].passages);
  EXPECT_THAT(questions[0].answers, ElementsAre("1066", "in 1066"));
  EXPECT_THAT(questions[1].answers, IsEmpty());
}

TEST(QuestionSetTest, ReadsClapNq) {
  const auto questions =
      ParseQuestionSet(
          R"({"id": "7", "input": "what", "passages": [{"title": "T", "text": "One. Two. "}],)"
          R"( "output": [{"answer": "It is one.", "selected_sentences": ["One."]},)"
          R"( {"answer": "One", "selected_sentences": ["One.", "Two."]}]})"
          "\n"
          R"({"id": "8", "input": "who", "passages": [{"title": "T", "text": "One."}],)"
          R"( "output": [{"answer": "", "selected_sentences": []}]})"
          "\n")
          .value();
  ASSERT_EQ(questions.size(), 2U);
  EXPECT_EQ(questions[0].group, "T");
  EXPECT_EQ(questions[0].passages->front().text, "One. Two.") << "a blank tells nothing";
  EXPECT_FALSE(questions[0].has_short_answers);
  EXPECT_THAT(questions[0].answers, ElementsAre("It is one.", "One"));
  EXPECT_THAT(questions[0].sentences, ElementsAre("One.", "Two."));
  EXPECT_THAT(questions[1].answers, IsEmpty());
}

TEST(QuestionSetTest, ReadsPlainLines) {
  const auto questions =
      ParseQuestionSet(R"({"id": "a", "question": "q", "passages": ["x", {"text": "y"}], )"
                       R"("answers": ["z"]})")
          .value();
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_EQ(questions[0].group, "a");
  EXPECT_EQ(questions[0].passages->size(), 2U);
  EXPECT_TRUE(questions[0].has_short_answers);
}

TEST(QuestionSetTest, SaysWhatIsWrong) {
  EXPECT_THAT(ParseQuestionSet("{\"data\": 1}").error().message(), HasSubstr("\"data\""));
  EXPECT_THAT(ParseQuestionSet("{\"id\": \"a\"}\n").error().message(), HasSubstr("passages"));
  EXPECT_THAT(ParseQuestionSet("{\"id\": \"a\", \"passages\": []}\n").error().message(),
              HasSubstr("holds none"));
  EXPECT_FALSE(ParseQuestionSet("nothing of the kind"));
}

TEST(QuestionSetTest, DrawsHalfOfEachKind) {
  std::vector<PassageQuestion> all(100);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].id = std::to_string(i);
    if (i < 30) all[i].answers = {"x"};
  }
  const auto some = DrawQuestions(all, 20, 1);
  ASSERT_EQ(some.size(), 20U);
  EXPECT_EQ(std::ranges::count_if(some, [](const auto& q) { return q.answers.empty(); }), 10);
  std::set<std::string> ids;
  for (const auto& question : some) ids.insert(question.id);
  EXPECT_EQ(ids.size(), 20U);
  const auto many = DrawQuestions(all, 90, 1);
  ASSERT_EQ(many.size(), 90U);
  EXPECT_EQ(std::ranges::count_if(many, [](const auto& q) { return q.answers.empty(); }), 60);
  EXPECT_EQ(DrawQuestions(all, 0, 1).size(), 100U);
}

}  // namespace
}  // namespace kinglet
