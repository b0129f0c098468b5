// SPDX-License-Identifier: Apache-2.0
#include "claims/form.h"

#include <gtest/gtest.h>

#include "claims/outcomes_for_test.h"
#include "grammar/json_validator.h"

namespace kinglet {
namespace {

class FormTest : public testing::Test {
 protected:
  // Paragraphs of 1, 2, 3 and 4 answerable questions, and one more of each that is not.
  FormTest() {
    for (int count = 1; count <= 4; ++count) {
      const auto passages = std::make_shared<const std::vector<Passage>>(
          std::vector<Passage>{{.text = "Text " + std::to_string(count)}});
      for (int i = 0; i <= count; ++i) {
        PassageQuestion question{
            .question = "Which " + std::to_string(i) + "?", .group = "g", .passages = passages};
        if (i > 0) question.answers = {"the answer " + std::to_string(i)};
        questions_.push_back(std::move(question));
      }
    }
  }

  std::vector<PassageQuestion> questions_;
};

TEST_F(FormTest, IsMadeOfAParagraphsAnswerableQuestions) {
  const std::vector<Form> forms = MakeForms(questions_, 100);
  ASSERT_EQ(forms.size(), 3U);
  EXPECT_EQ(forms[0].text, "Text 2");
  EXPECT_EQ(forms[0].gold.size(), 2U);
  EXPECT_EQ(forms[2].gold.size(), 3U) << "four are too many";
  EXPECT_EQ(forms[0].gold[1], std::vector<std::string>{"the answer 2"});
  EXPECT_NE(ToJson(forms[0].schema).find("Which 1?"), std::string::npos);
  EXPECT_EQ(MakeForms(questions_, 1).size(), 1U);
  EXPECT_TRUE(MakeForms({}, 5).empty());
}

TEST_F(FormTest, ShowsTheSchemaAndEnforcesIt) {
  const Form form = MakeForms(questions_, 1).front();
  const ClaimPrompt asked = PromptOf(form, false);
  const ClaimPrompt enforced = PromptOf(form, true);
  EXPECT_EQ(asked.messages[0].content, enforced.messages[0].content);
  EXPECT_NE(asked.messages[0].content.find(ToJson(form.schema)), std::string::npos);
  EXPECT_FALSE(asked.schema);
  EXPECT_EQ(enforced.schema, form.schema);
}

TEST_F(FormTest, ScoresAReplyByItsFormAndItsFields) {
  const Form form = MakeForms(questions_, 1).front();
  const std::string right =
      R"({"kind": "thing", "answers": {"answer_1": "answer 1", "answer_2": "no"}, "complete": true})";
  FormScore score = ScoreForm(form, right).value();
  EXPECT_TRUE(score.is_valid);
  EXPECT_TRUE(score.is_valid_inside);
  EXPECT_NEAR(score.f1, 0.5, 1e-9);
  score = ScoreForm(form, "Here it is:\n```json\n" + right + "\n```\nGood luck").value();
  EXPECT_FALSE(score.is_valid);
  EXPECT_TRUE(score.is_valid_inside);
  EXPECT_NEAR(score.f1, 0.5, 1e-9);
  for (const char* const wrong :
       {"", "{}", "```", "```json\n", R"({"kind": "thing", "answers": {}, "complete": true})"}) {
    score = ScoreForm(form, wrong).value();
    EXPECT_FALSE(score.is_valid_inside) << wrong;
    EXPECT_EQ(score.f1, 0) << wrong;
  }
}

}  // namespace
}  // namespace kinglet
