// SPDX-License-Identifier: Apache-2.0
// Which spans may be read out of a text, and what a model's odds come to.
#include "answer/reader.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/language_model_for_test.h"

namespace kinglet {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;

std::vector<std::string> SpansOf(std::string_view text) {
  const SpanSource source = SpansOfWords(text);
  std::vector<std::string> spans;
  for (const std::size_t begin : source.starts) {
    for (const std::size_t end : source.ends) {
      if (end > begin) spans.emplace_back(text.substr(begin, end - begin));
    }
  }
  return spans;
}

TEST(SpansOfWordsTest, BeginsAndEndsWithWords) {
  const auto spans = SpansOf("A poet, born in 1910.");
  EXPECT_THAT(spans, IsSupersetOf({"A", "poet", "A poet", "born in 1910", "1910"}));
  EXPECT_THAT(spans, Not(Contains("poet,")));
  EXPECT_THAT(spans, Not(Contains("oet")));
  EXPECT_THAT(spans, Not(Contains("191")));
  EXPECT_THAT(spans, Not(Contains(" poet")));
}

TEST(SpansOfWordsTest, KeepsSignsWithTheirWords) {
  EXPECT_THAT(SpansOf("It cost $5 (about \u20AC4), or 20% more."),
              IsSupersetOf({"$5", "\u20AC4", "(about \u20AC4)", "20%"}));
  EXPECT_THAT(SpansOf("a-b"), Not(Contains("-b"))) << "a hyphen is no sign of minus";
  EXPECT_THAT(SpansOf("at -5\u00B0"), Contains("-5\u00B0"));
}

TEST(SpansOfWordsTest, KnowsWordsWithoutBlanks) {
  EXPECT_THAT(SpansOf("東京は首都"), IsSupersetOf({"東京", "首都"}));
}

// Answers with what it is given, and keeps what it was asked.
class ReadingModel : public SilentModel {
 public:
  Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage> messages) const override {
    prompts.push_back(messages.back().content);
    return std::vector<TokenId>{1};
  }
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink&) override {
    candidates = requests[1].candidates.size();
    return results;
  }
  std::string_view TokenBytes(TokenId token) const override {
    return pieces[static_cast<std::size_t>(token)];
  }

  // What it writes: pieces by token, each with its log likelihood and that of ending before it.
  void Write(const std::vector<std::pair<float, float>>& odds) {
    for (const auto& [logprob, end] : odds) {
      const auto token = static_cast<TokenId>(results[0].odds.size());
      results[0].odds.push_back({.token = token, .logprob = logprob, .end = end});
    }
  }

  std::vector<std::string_view> pieces;
  mutable std::vector<std::string> prompts;
  std::size_t candidates = 0;  // of the gate
  std::vector<GenerationResult> results = {{}, {.candidate_logprobs = std::vector<float>(6, -1)}};
};

std::vector<Passage> PassagesOf(const std::vector<std::string>& texts) {
  std::vector<Passage> passages;
  for (const std::string& text : texts) {
    passages.push_back({.document = std::to_string(passages.size()), .title = "T", .text = text});
  }
  return passages;
}

TEST(ReaderTest, SaysWhereItsTimeWasOver) {
  ReadingModel model;
  model.results[1].candidate_logprobs.clear();  // as of a request that ended before its prompt did
  const std::vector<Passage> passages = PassagesOf({"Lyon is old."});
  const auto reading = Read(model, passages, "What is the capital?", {});
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().code(), StatusCode::kLimitExceeded);
}

TEST(ReaderTest, FindsItsSpanAndAddsUpItsOdds) {
  ReadingModel model;
  // "Yes", "yes", " Yes" begin differently, "YES" as "Yes" does.
  model.results[1].candidate_logprobs = {-1, -20, -20, -2, -20, -20};
  model.pieces = {"PAR", "IS"};  // a letter's case is the passage's
  model.Write({{-0.5F, -9}, {-0.125F, -9}});
  model.results[0].end_logprob = -1;
  const std::vector<Passage> passages = PassagesOf({"Lyon is old.", "The capital is Paris."});
  const Reading reading = Read(model, passages, "What is the capital?", {}).value();
  EXPECT_EQ(model.candidates, 6U);
  EXPECT_EQ(reading.text, "Paris");
  EXPECT_EQ(reading.passage, 1U);
  EXPECT_EQ(reading.begin, 15U);
  EXPECT_EQ(reading.end, 20U);
  EXPECT_NEAR(reading.signals.gate, 1, 1e-6);
  EXPECT_NEAR(reading.signals.span, -1.625, 1e-6);
  EXPECT_EQ(reading.signals.tokens, 2);
}

TEST(ReaderTest, AsksBothQuestionsBehindTheSamePassages) {
  ReadingModel model;
  const std::vector<Passage> passages = PassagesOf({"One.", "Two."});
  ASSERT_TRUE(Read(model, passages, "Which?", {}));
  ASSERT_EQ(model.prompts.size(), 2U);
  const std::string shared = "Documents:\n\n## T\nOne.\n\n## T\nTwo.\n\nQuestion: Which?\n";
  for (const std::string& prompt : model.prompts) EXPECT_TRUE(prompt.starts_with(shared)) << prompt;
}

TEST(ReaderTest, EndsWhereTheWholeIsLikeliest) {
  ReadingModel model;
  model.pieces = {"Lenin", " wrote", " extensively"};
  model.Write({{-0.5F, -99}, {-0.25F, -1.5F}, {-3, -5}});
  model.results[0].end_logprob = -1;
  const std::vector<Passage> passages = PassagesOf({"In 1917 Lenin wrote extensively."});
  const Reading reading = Read(model, passages, "Who?", {}).value();
  EXPECT_EQ(reading.text, "Lenin");
  EXPECT_NEAR(reading.signals.span, -2, 1e-6);
  EXPECT_EQ(reading.signals.tokens, 1);
}

TEST(ReaderTest, TakesACutSpanBackToItsLastWord) {
  ReadingModel model;
  model.pieces = {"capital", " is", " Par"};
  const float never = -std::numeric_limits<float>::infinity();
  model.Write({{-1, never}, {-1, never}, {-1, never}});
  model.results[0].finish_reason = FinishReason::kLength;
  const std::vector<Passage> passages = PassagesOf({"The capital is Paris."});
  EXPECT_EQ(Read(model, passages, "What?", {}).value().text, "capital is");
}

TEST(ReaderTest, HasNoSpanWhereThereIsNoWord) {
  ReadingModel model;
  const std::vector<Passage> passages = PassagesOf({"..."});
  EXPECT_EQ(Read(model, passages, "What?", {}).value().text, "");
}

}  // namespace
}  // namespace kinglet
