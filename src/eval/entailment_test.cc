// SPDX-License-Identifier: Apache-2.0
// What is asked of a model about a claim.
#include "eval/entailment.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/claim_model_for_test.h"

namespace kinglet {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(EntailmentTest, AsksAboutAnAnswerBehindTheDocuments) {
  const ClaimModel model;
  const YesOrNo yes_or_no(model);
  const std::vector<Passage> passages = {{.title = "T", .text = "Hens lay eggs."}};
  const auto request =
      EntailmentRequest(model, yes_or_no, passages, "What do hens lay?", "eggs").value();
  EXPECT_EQ(request.candidates, yes_or_no.candidates());
  EXPECT_THAT(model.prompts.back(), StartsWith("Documents:\n\n## T\nHens lay eggs.\n"));
  EXPECT_THAT(model.prompts.back(),
              HasSubstr("\nQuestion: What do hens lay?\nProposed answer: eggs\n"));
  EXPECT_THAT(model.prompts.back(), EndsWith("Reply Yes or No."));
}

TEST(EntailmentTest, AsksAboutAClaimAlone) {
  const ClaimModel model;
  const YesOrNo yes_or_no(model);
  const std::vector<Passage> passages = {{.text = "Hens lay eggs."}};
  ASSERT_TRUE(EntailmentRequest(model, yes_or_no, passages, "", "Hens lay."));
  EXPECT_THAT(model.prompts.back(), HasSubstr("\nClaim: Hens lay.\n"));
  EXPECT_THAT(model.prompts.back(), Not(HasSubstr("Question")));
}

}  // namespace
}  // namespace kinglet
