// SPDX-License-Identifier: Apache-2.0
// What a model makes of a follow-up counts where it says nothing of its own.
#include "answer/follow_up.h"

#include <gtest/gtest.h>

#include "text/language_model_for_test.h"

namespace kinglet {
namespace {

// Writes one text, and remembers what it was shown.
class Writer : public SilentModel {
 public:
  explicit Writer(std::string text) : text_(std::move(text)) {}

  Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage> messages) const override {
    for (const ChatMessage& message : messages) shown += message.content;
    return std::vector<TokenId>{1};
  }
  Result<GenerationResult> Generate(const GenerationRequest& request, const TextSink&) override {
    const bool is_cut = request.interrupted && request.interrupted();
    return GenerationResult{.text = text_,
                            .finish_reason = is_cut ? FinishReason::kCancelled : reason};
  }

  FinishReason reason = FinishReason::kStop;
  mutable std::string shown;

 private:
  std::string text_;
};

const std::vector<Turn> kTurns = {{"When does the front door open?", "at seven"}};

std::optional<std::string> Standalone(Writer& model, const std::vector<Turn>& turns,
                                      std::string_view question) {
  return StandaloneQuestion(model, turns, question, {}, {}).value().question;
}

TEST(FollowUpTest, TakesWhatTheConversationHolds) {
  Writer model("When does the front door open in winter?");
  EXPECT_EQ(Standalone(model, kTurns, "And in winter?"),
            "When does the front door open in winter?");
  EXPECT_NE(model.shown.find("at seven"), std::string::npos);
}

TEST(FollowUpTest, LeavesWhatWasNotSaidOrIsNotWhole) {
  Writer inventor("When does the museum in Paris open in winter?");
  EXPECT_EQ(Standalone(inventor, kTurns, "And in winter?"), std::nullopt);
  Writer forgetful("When does the front door open?");
  EXPECT_EQ(Standalone(forgetful, kTurns, "And in winter?"), std::nullopt);
  Writer silent("");
  EXPECT_EQ(Standalone(silent, kTurns, "And in winter?"), std::nullopt);
  Writer endless("When does the front door open in winter");
  endless.reason = FinishReason::kLength;
  EXPECT_EQ(Standalone(endless, kTurns, "And in winter?"), std::nullopt);
}

TEST(FollowUpTest, IsInterruptedAsItsAnswerIs) {
  Writer model("When does the front door open in winter?");
  const auto out =
      StandaloneQuestion(model, kTurns, "And in winter?", {}, [] { return true; }).value();
  EXPECT_EQ(out.written.finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(out.question, std::nullopt);
}

TEST(FollowUpTest, OfManyTurnsTheLastCount) {
  Writer model("When does the front door open in winter?");
  std::vector<Turn> turns(10, {"What is the oldest question?", std::string(2000, 'a')});
  turns.push_back({"When does the front door open?", "\u00E9" + std::string(498, 'b') + "\u00E9"});
  EXPECT_EQ(Standalone(model, turns, "And in winter?"), "When does the front door open in winter?");
  EXPECT_LT(model.shown.size(), 3000U);
}

}  // namespace
}  // namespace kinglet
