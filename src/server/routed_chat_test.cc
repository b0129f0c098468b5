// SPDX-License-Identifier: Apache-2.0
// What an intent makes of a chat completion.
#include "server/routed_chat.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

json::object Body(std::string_view text) { return ParseJson(text).value().as_object(); }

TEST(RoutedChatTest, ReadsTheLastMessageOfTheUser) {
  EXPECT_TRUE(AsksForRoute(Body(R"({"model": "auto"})")));
  EXPECT_FALSE(AsksForRoute(Body(R"({"model": "autos"})")));
  EXPECT_FALSE(AsksForRoute(Body(R"({"model": 1})")));
  EXPECT_FALSE(AsksForRoute({}));
  EXPECT_EQ(TextToRoute(Body(R"({"messages": [{"role": "system", "content": "s"},
                                              {"role": "user", "content": "hello"}]})"))
                .value(),
            "hello");
  EXPECT_EQ(TextToRoute(Body(R"({"messages": [{"role": "user", "content": [
                                 {"type": "text", "text": "a"}, {"type": "image_url"},
                                 {"type": "text", "text": "b"}]}]})"))
                .value(),
            "ab");
  for (const char* const bad :
       {"{}", R"({"messages": []})", R"({"messages": 1})", R"({"messages": [1]})",
        R"({"messages": [{"role": "assistant", "content": "a"}]})",
        R"({"messages": [{"role": "user", "content": ""}]})"}) {
    EXPECT_FALSE(TextToRoute(Body(bad))) << bad;
  }
}

TEST(RoutedChatTest, AddsWhatTheRequestDoesNotSay) {
  Intent intent{.name = "n", .mode = IntentMode::kCite, .model = "small", .library = "notes"};
  intent.risk = 0.25;
  intent.first_byte_budget_ms = 100;
  intent.sampling = {.temperature = 0.5, .max_tokens = 9};
  EXPECT_EQ(ApplyIntent(Body(R"({"model": "auto", "messages": [1]})"), intent, {}),
            Body(R"({"messages": [1], "model": "small", "temperature": 0.5,
                     "max_completion_tokens": 9,
                     "kinglet": {"first_byte_budget_ms": 1E2, "library": "notes",
                                 "risk": 0.25}})"));
  EXPECT_EQ(ApplyIntent(Body(R"({"model": "auto", "temperature": 0, "max_tokens": 3,
                                 "kinglet": {"library": "other", "risk": 1}})"),
                        intent, {}),
            Body(R"({"model": "small", "temperature": 0, "max_tokens": 3,
                     "kinglet": {"library": "other", "risk": 1, "first_byte_budget_ms": 1E2}})"));
  // As clients send what they leave unset.
  EXPECT_EQ(ApplyIntent(Body(R"({"temperature": null})"), intent, {}).at("temperature"), 0.5);
}

TEST(RoutedChatTest, AChatWithoutALibraryIsTheModelsOwn) {
  const Intent intent{.name = "n", .mode = IntentMode::kChat};
  EXPECT_EQ(ApplyIntent(Body(R"({"model": "auto"})"), intent, {}), json::object());
}

TEST(RoutedChatTest, BindsAnswersToSchemasAndTools) {
  Intent intent{.name = "n", .mode = IntentMode::kExtract};
  const json::object extract =
      ApplyIntent(Body(R"({"model": "auto"})"), intent, json::object{{"const", 7}});
  EXPECT_EQ(extract, Body(R"({"response_format": {"type": "json_schema", "json_schema": {
                              "name": "intent", "schema": {"const": 7}, "strict": true}}})"));
  intent.mode = IntentMode::kTool;
  intent.tool = "pay";
  EXPECT_EQ(ApplyIntent(Body(R"({"model": "auto"})"), intent, {}),
            Body(R"({"tool_choice": {"type": "function", "function": {"name": "pay"}}})"));
}

}  // namespace
}  // namespace kinglet
