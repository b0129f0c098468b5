// SPDX-License-Identifier: Apache-2.0
#include "answer/intent_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::HasSubstr;

Intent Bills() {
  Intent intent{.name = "bills", .mode = IntentMode::kCite, .model = "small", .library = "billing"};
  intent.risk = 0.25;
  intent.first_byte_budget_ms = 100;
  intent.sampling = {.temperature = 0.5, .top_k = 7, .max_tokens = 9};
  return intent;
}

TEST(IntentSettings, AddWhatIsNotSaid) {
  const auto settings = WithIntent({}, Bills());
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->mode, AskMode::kCite);
  EXPECT_EQ(settings->model, "small");
  EXPECT_EQ(settings->library, "billing");
  EXPECT_EQ(settings->risk, 0.25);
  EXPECT_EQ(settings->first_byte_budget_ms, 100);
  AskOptions options;
  const float top_p = options.sampling.top_p;
  ApplySampling(settings->sampling, options);
  EXPECT_EQ(options.sampling.temperature, 0.5F);
  EXPECT_EQ(options.sampling.top_k, 7);
  EXPECT_EQ(options.sampling.top_p, top_p);
  EXPECT_EQ(options.max_tokens, 9);
}

TEST(IntentSettings, LeaveWhatIsSaid) {
  AskSettings said{.mode = AskMode::kQuote, .model = "large", .library = "other"};
  said.risk = 0.5;
  said.first_byte_budget_ms = 3;
  said.sampling = {.temperature = 0, .seed = 4};
  const auto settings = WithIntent(said, Bills());
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->mode, AskMode::kQuote);
  EXPECT_EQ(settings->model, "large");
  EXPECT_EQ(settings->library, "other");
  EXPECT_EQ(settings->risk, 0.5);
  EXPECT_EQ(settings->first_byte_budget_ms, 3);
  EXPECT_EQ(settings->sampling.temperature, 0);
  EXPECT_EQ(settings->sampling.seed, 4);
  EXPECT_EQ(settings->sampling.top_k, 7);
}

TEST(IntentSettings, WhatAConfidenceDecidesGoesWithAModel) {
  Intent intent = Bills();
  intent.model.clear();
  intent.then = "large";
  intent.accept = 0.75;
  const auto cited = WithIntent({}, intent);
  ASSERT_TRUE(cited) << cited.error().message();
  EXPECT_EQ(cited->risk, 0.25);
  EXPECT_EQ(cited->then, "large");
  EXPECT_EQ(cited->accept, 0.75);
  const auto quoted = WithIntent({.mode = AskMode::kQuote}, intent);
  ASSERT_TRUE(quoted) << quoted.error().message();
  EXPECT_FALSE(quoted->risk);
  EXPECT_EQ(quoted->then, "");
  EXPECT_FALSE(quoted->accept);
}

TEST(IntentSettings, SayWhoAnswersWhatNoLibraryDoes) {
  for (const IntentMode mode : {IntentMode::kExtract, IntentMode::kTool, IntentMode::kHandOver}) {
    const auto settings = WithIntent({}, {.name = "orders", .mode = mode});
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().code(), StatusCode::kUsage);
    EXPECT_THAT(settings.error().message(), HasSubstr("its mode is " + std::string(NameOf(mode))));
    EXPECT_THAT(settings.error().message(), HasSubstr("chat completions"));
  }
}

TEST(IntentSettings, ARefusalIsAnAbstentionWithAMessage) {
  const Intent intent{.name = "bills", .mode = IntentMode::kRefuse, .message = "Ask the office."};
  const Answer answer = RefusalOf("my bill?", intent, {.intent = "bills", .confidence = 0.75});
  const json::object reply = ToJson(answer);
  EXPECT_EQ(reply.at("mode"), "refuse");
  EXPECT_TRUE(reply.at("answer").is_null());
  EXPECT_EQ(reply.at("reason"), "refused");
  EXPECT_EQ(reply.at("message"), "Ask the office.");
  EXPECT_EQ(reply.at("route").at("intent"), "bills");
  EXPECT_EQ(reply.at("route").at("confidence"), 0.75);
  EXPECT_TRUE(reply.at("route").at("library").is_null());
  const LedgerEntry entry = EntryOf(answer, 0);
  EXPECT_EQ(entry.intent, "bills");
  EXPECT_EQ(entry.mode, "refuse");
  EXPECT_EQ(entry.abstained, "refused");
}

}  // namespace
}  // namespace kinglet
