// SPDX-License-Identifier: Apache-2.0
// Who answers, what is shown of it, and whose work is on the bill.
#include "answer/cascade.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "answer/ask_for_test.h"

namespace kinglet {
namespace {

// A small model before a larger one, which says "vipw", too, in other words.
class InTurnTest : public AskTest {
 protected:
  Result<Answer> TryBoth(double accept, const std::string& question) {
    const AskOptions options{.model_name = "small",
                             .terms = {.first_byte_budget_ms = 1e6},
                             .calibration = &calibration_,
                             .risk = 0.5,
                             .accept = accept};
    AskEvents events;
    events.on_passages = [this](const Answer&) { told_.emplace_back("passages"); };
    events.on_claim = [this](const Claim& claim, const Answer&) { told_.push_back(claim.text); };
    events.cancelled = cancelled_;
    const NextModel large{"large", [this]() -> Result<NextModel::Opened> {
                            if (!is_there_) return Error(StatusCode::kFailed, "no memory");
                            return NextModel::Opened{&large_, &calibration_};
                          }};
    return AskInTurn(question, {*library_}, small_, options, large, events, undelivered_);
  }

  Answer AskBoth(double accept, const std::string& question) {
    Answer answer = TryBoth(accept, question).value();
    ExpectVerbatim(answer);
    EXPECT_FALSE(undelivered_);
    return answer;
  }

  Calibration calibration_ = GateAlone();
  ScriptedModel small_{"You should use vipw."};
  ScriptedModel large_{"Edit it with vipw, which locks the file."};
  bool is_there_ = true;
  std::function<bool()> cancelled_;
  std::vector<std::string> told_;
  std::optional<Answer> undelivered_;
};

constexpr const char* kQuestion = "Which command edits the password file?";

TEST_F(InTurnTest, TakesAnAnswerThatIsSureEnough) {
  small_.gate = 2;
  const Answer answer = AskBoth(0.9, kQuestion);
  EXPECT_EQ(answer.Text(), "You should use vipw. [1]");
  EXPECT_EQ(answer.model, "small");
  ASSERT_TRUE(answer.first);
  EXPECT_EQ(answer.first->model, "small");
  EXPECT_EQ(answer.first->confidence, answer.confidence);
  EXPECT_TRUE(answer.first->accepted);
  EXPECT_EQ(large_.prompt(), "") << "it was not asked";
  EXPECT_EQ(told_, (std::vector<std::string>{"passages", "You should use vipw."}));
}

TEST_F(InTurnTest, AsksTheLargerModelWhereItIsNot) {
  small_.gate = 2;
  large_.gate = 2;
  const Answer alone = AskModel(kQuestion, large_);
  const Answer answer = AskBoth(1, kQuestion);
  EXPECT_EQ(answer.model, "large");
  EXPECT_EQ(answer.claims.size(), alone.claims.size());
  ASSERT_TRUE(answer.first);
  EXPECT_EQ(answer.first->model, "small");
  EXPECT_GT(answer.first->confidence, 0.9);
  EXPECT_FALSE(answer.first->accepted);
  // Nothing of what was given up is shown, and passages are told of once.
  ASSERT_EQ(told_.size(), answer.claims.size() + 1);
  EXPECT_EQ(told_[0], "passages");
  EXPECT_EQ(told_[1], answer.claims[0].text);
  EXPECT_GT(answer.ledger.prompt_tokens, alone.ledger.prompt_tokens) << "the bill is of both";
  EXPECT_EQ(answer.ledger.in_budget, true);
  const LedgerEntry entry = EntryOf(answer, 0);
  EXPECT_EQ(entry.model, "large");
  EXPECT_EQ(entry.first_model, "small");
  EXPECT_EQ(entry.confidence, answer.first->confidence);
  EXPECT_EQ(ToJson(answer).at("cascade").at("first").as_string(), "small");
}

TEST_F(InTurnTest, LeavesTheBillWhereTheLargerModelDoesNotAnswer) {
  small_.gate = 2;
  const LedgerLine both = AskBoth(1, kQuestion).ledger;
  told_.clear();
  is_there_ = false;
  EXPECT_EQ(TryBoth(1, kQuestion).error().message(), "no memory");
  EXPECT_EQ(told_, std::vector<std::string>{"passages"});
  ASSERT_TRUE(undelivered_);
  const LedgerEntry entry = EntryOf(*undelivered_, 0);
  EXPECT_EQ(entry.model, "large");
  EXPECT_EQ(entry.first_model, "small");
  EXPECT_GT(entry.confidence, 0.9);
  const LedgerLine& line = entry.line;
  EXPECT_FALSE(line.delivered);
  EXPECT_FALSE(line.kept) << "nobody looked";
  EXPECT_EQ(line.in_budget, true);
  EXPECT_GT(line.prompt_tokens, 0);
  EXPECT_LT(line.prompt_tokens, both.prompt_tokens);
  EXPECT_EQ(line.first_byte_ms, line.total_ms);
}

TEST_F(InTurnTest, LeavesTheBillOfBothWhereTheLargerModelIsInterrupted) {
  small_.gate = 2;
  is_there_ = false;
  EXPECT_FALSE(TryBoth(1, kQuestion).has_value());
  ASSERT_TRUE(undelivered_);
  const int of_small = undelivered_->ledger.prompt_tokens;
  is_there_ = true;
  cancelled_ = [this] { return !large_.prompt().empty(); };
  EXPECT_EQ(TryBoth(1, kQuestion).error().code(), StatusCode::kCancelled);
  EXPECT_EQ(undelivered_->model, "large");
  EXPECT_GT(undelivered_->ledger.prompt_tokens, of_small);
  EXPECT_FALSE(undelivered_->ledger.delivered);
}

TEST_F(InTurnTest, LeavesTheSmallModelsBillWhereItIsInterrupted) {
  cancelled_ = [] { return true; };
  EXPECT_EQ(TryBoth(1, kQuestion).error().code(), StatusCode::kCancelled);
  ASSERT_TRUE(undelivered_);
  EXPECT_EQ(undelivered_->model, "small");
  EXPECT_GT(undelivered_->ledger.prompt_tokens, 0);
  EXPECT_EQ(large_.prompt(), "");
}

TEST_F(InTurnTest, LeavesNoBillWhereTheFirstDoesNotAnswer) {
  EXPECT_FALSE(TryBoth(1, std::string(kMaxQuestionBytes + 1, 'a')).has_value());
  EXPECT_FALSE(undelivered_);
}

TEST_F(InTurnTest, TakesAnAbstentionThatIsSureEnough) {
  small_.gate = -5;
  const Answer sure = AskBoth(0.9, kQuestion);
  EXPECT_EQ(sure.abstained, AbstainReason::kMissing);
  EXPECT_EQ(sure.model, "small");
  ASSERT_TRUE(sure.first);
  EXPECT_EQ(sure.first->confidence, Sureness(sure));
  EXPECT_EQ(large_.prompt(), "");
  const Answer unsure = AskBoth(1, kQuestion);
  EXPECT_EQ(unsure.model, "large");
}

TEST_F(InTurnTest, AsksNobodyWhatTheLibraryIsNotAbout) {
  const Answer answer = AskBoth(1, "How long should sourdough bread rise?");
  EXPECT_EQ(answer.abstained, AbstainReason::kOffTopic);
  ASSERT_TRUE(answer.first);
  EXPECT_FALSE(answer.first->confidence);
  EXPECT_TRUE(answer.first->accepted);
  EXPECT_EQ(large_.prompt(), "");
}

}  // namespace
}  // namespace kinglet
