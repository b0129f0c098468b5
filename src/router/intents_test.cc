// SPDX-License-Identifier: Apache-2.0
#include "router/intents.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/labelled_texts.h"

namespace kinglet {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// What is wrong with a file of these lines.
std::string ErrorOf(std::string_view toml) {
  const auto intents = ParseIntents(toml, "intents.toml");
  if (!intents) return intents.error().message();
  const auto checked = CheckExamples(*intents, "intents.toml");
  return checked ? "" : checked.error().message();
}

constexpr std::string_view kWhole = R"(embedder = "all-minilm-l6-v2"
examples = "more.jsonl"
default = "talk"
seed = 7

[out_of_scope]
rejection = 0.1
examples = ["sing"]

[[endpoint]]
name = "big"
url = "https://example.com/v1"
model = "large"
api_key_env = "BIG_KEY"

[[intent]]
name = "bills"
description = "Invoices and payments"
examples = ["a", "b", "c", "d", "e"]
mode = "cite"
model = "m"
library = "billing"
risk = 0.05
first_byte_budget_ms = 500
[intent.sampling]
temperature = 0.5
top_k = 40
max_tokens = 100

[[intent]]
name = "law"
mode = "hand_over"
endpoint = "big"
examples = ["f", "g", "h", "i", "j"]

[[intent]]
name = "talk"
mode = "chat"
)";

TEST(Intents, ReadsAWholeFile) {
  const auto intents = ParseIntents(kWhole, "intents.toml");
  ASSERT_TRUE(intents) << intents.error().message();
  EXPECT_EQ(intents->embedder, "all-minilm-l6-v2");
  EXPECT_EQ(intents->examples_file, "more.jsonl");
  EXPECT_EQ(intents->rejection, 0.1);
  EXPECT_EQ(intents->seed, 7U);
  EXPECT_EQ(intents->default_intent, 2U);
  ASSERT_EQ(intents->intents.size(), 3U);
  const Intent& bills = intents->intents[0];
  EXPECT_EQ(bills.mode, IntentMode::kCite);
  EXPECT_EQ(bills.risk, 0.05);
  EXPECT_EQ(bills.first_byte_budget_ms, 500);
  EXPECT_EQ(bills.sampling.temperature, 0.5);
  EXPECT_EQ(bills.sampling.top_k, 40);
  EXPECT_FALSE(bills.sampling.seed);
  EXPECT_EQ(bills.line, 16);
  EXPECT_EQ(intents->FindEndpoint(intents->FindIntent("law")->endpoint)->api_key_env, "BIG_KEY");
  EXPECT_EQ(intents->FindIntent("nobody"), nullptr);
  EXPECT_EQ(ErrorOf(kWhole), "");
}

TEST(Intents, ReadsCascades) {
  constexpr std::string_view kCascades = R"([[intent]]
name = "bills"
examples = ["a", "b", "c", "d", "e"]
then = "large"
accept = 0.6
[[intent]]
name = "orders"
mode = "extract"
schema = "s.json"
then = "large"
examples = ["f", "g", "h", "i", "j"]
)";
  const auto intents = ParseIntents(kCascades, "intents.toml");
  ASSERT_TRUE(intents) << intents.error().message();
  EXPECT_EQ(intents->intents[0].then, "large");
  EXPECT_EQ(intents->intents[0].accept, 0.6);
  EXPECT_EQ(intents->intents[1].then, "large");
  std::string toml(kCascades);
  toml.insert(toml.find("examples = [\"f"), "accept = 0.6\n");
  EXPECT_EQ(ErrorOf(toml), "intents.toml: line 11: accept says nothing in mode extract");
}

TEST(Intents, LearnsFromIntentsThatHaveExamples) {
  auto intents = ParseIntents(kWhole, "intents.toml");
  ASSERT_TRUE(intents);
  ASSERT_TRUE(
      AddExamples("{\"text\": \"k\", \"intent\": \"law\"}\n{\"text\": \"l\", \"intent\": null}",
                  "more.jsonl", *intents));
  const TrainingSet set = intents->ToTrainingSet();
  EXPECT_EQ(set.labels, (std::vector<std::string>{"bills", "law"}));
  ASSERT_EQ(set.texts.size(), 13U);
  EXPECT_EQ(set.texts[0].label, kNoLabel);
  EXPECT_EQ(set.texts[11].text, "k");
  EXPECT_EQ(set.texts[11].label, 1);
  EXPECT_EQ(set.texts[12].label, kNoLabel);
  EXPECT_EQ(set.rejection, 0.1);
}

TEST(Intents, ExamplesOfAFileClashWithTheLineTheyStandIn) {
  const auto added = [](std::string_view lines) {
    auto intents = ParseIntents(kWhole, "intents.toml");
    EXPECT_TRUE(intents);
    const auto done = AddExamples(lines, "more.jsonl", *intents);
    return done ? "" : done.error().message();
  };
  EXPECT_EQ(
      added("{\"text\": \"k\", \"intent\": \"law\"}\n\n{\"text\": \"f\", \"intent\": \"law\"}"),
      "more.jsonl: line 3: \"f\" is an example of law, and one of law already");
  EXPECT_EQ(
      added("{\"text\": \" F \", \"intent\": \"bills\"}"),
      "more.jsonl: line 1: \" F \" is an example of bills, and one of law already, but for case, "
      "spaces and punctuation");
  EXPECT_EQ(
      added("{\"text\": \"K\", \"intent\": \"law\"}\n{\"text\": \"k\", \"intent\": null}"),
      "more.jsonl: line 2: \"k\" is an example of out of scope, and one of law already, but for "
      "case, spaces and punctuation");
  // Of one intent a text may be spelt in two ways.
  EXPECT_EQ(added("{\"text\": \"F\", \"intent\": \"law\"}"), "");
  EXPECT_THAT(added("{\"text\": \" \", \"intent\": \"law\"}"),
              HasSubstr("line 1: \"text\" is empty"));
}

struct Wrong {
  const char* from;
  const char* to;
  const char* error;
};

TEST(Intents, RefusesWhatIsWrongAndSaysWhere) {
  const Wrong wrongs[] = {
      {"seed = 7", "sed = 7", "line 4: the file has no key \"sed\""},
      {"seed = 7", "seed = -7", "line 4: seed must be a whole number from 0"},
      {"seed = 7", "seed = \"7\"", "line 4: seed must be a whole number"},
      {"seed = 7", "seed = = 7", "line 4: "},
      {"\"talk\"\nseed", "\"tell\"\nseed", "line 3: there is no intent \"tell\""},
      {"rejection = 0.1", "rejection = 0.9", "line 7: rejection must be a number from 0 to 0.5"},
      {"rejection = 0.1", "rejection = nan", "line 7: rejection must be a number"},
      {"https://", "ftp://", "line 12: a url begins with http"},
      {"name = \"big\"", "nome = \"big\"", "line 11: an endpoint has no key \"nome\""},
      {"name = \"law\"", "name = \"bills\"",
       "line 30: there is an intent bills in line 16 already"},
      {"name = \"law\"", "name = \"l\\tw\"", "line 31: a name has at most 100 bytes"},
      {"name = \"law\"", "name = \"\"", "line 31: name must be a text that is not empty"},
      {"endpoint = \"big\"", "endpoint = \"bag\"", "line 30: there is no endpoint \"bag\""},
      {"endpoint = \"big\"", "", "line 32: mode hand_over needs the key endpoint"},
      {"mode = \"cite\"", "mode = \"extract\"", "line 20: mode extract needs the key schema"},
      {"mode = \"cite\"", "mode = \"quote\"", "line 21: model says nothing in mode quote"},
      {"mode = \"cite\"", "mode = \"sight\"", "line 20: there is no mode \"sight\": quote, cite, "},
      {"mode = \"cite\"", "mode = \"tool\"\ntool = \"t\"", "line 23: library says nothing in mode"},
      {"risk = 0.05", "risk = 5", "line 23: risk must be a number from 0 to 1"},
      {"risk = 0.05", "tool = \"t\"", "line 23: tool says nothing in mode cite"},
      {"risk = 0.05", "then = \"m2\"\naccept = 2", "line 24: accept must be a number from 0 to 1"},
      {"risk = 0.05", "accept = 0.5", "line 23: accept says nothing without then"},
      {"mode = \"chat\"", "mode = \"chat\"\nthen = \"m2\"",
       "line 39: then needs the key library in mode chat"},
      {"endpoint = \"big\"", "endpoint = \"big\"\nthen = \"m2\"",
       "line 34: then says nothing in mode hand_over"},
      {"top_k = 40", "topk = 40", "line 27: sampling has no key \"topk\""},
      {"\"a\", \"b\"", "\"a\", 1", "line 19: examples must hold texts"},
      {"\"a\", \"b\"", "\"a\"", "line 16: bills has 4 examples: it takes 5 to 10000"},
      {"\"a\", \"b\"", "\"f\", \"b\"",
       "line 30: \"f\" is an example of law, and one of bills already"},
      {"\"a\", \"b\"", "\"sing\", \"b\"",
       "line 16: \"sing\" is an example of bills, and one of out of"},
      {"\"a\", \"b\"", "\"F!\", \"b\"",
       "line 30: \"f\" is an example of law, and one of bills already, but for case, spaces"},
      {"\"a\", \"b\"", "\" \", \"b\"", "line 19: examples must hold texts that are not blank"},
      {"risk = 0.05", "then = \"m\"", "line 23: then is the model that answers"},
      {"[[intent]]\nname = \"talk\"", "[[intents]]\nname = \"talk\"",
       "line 36: the file has no key \"intents\""},
  };
  for (const auto& [from, to, error] : wrongs) {
    std::string toml(kWhole);
    const std::size_t at = toml.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    toml.replace(at, std::string_view(from).size(), to);
    EXPECT_THAT(ErrorOf(toml), StartsWith("intents.toml: line ")) << to;
    EXPECT_THAT(ErrorOf(toml), HasSubstr(error)) << to;
  }
  EXPECT_THAT(ErrorOf("intent = 1"), HasSubstr("line 1: intent must be tables"));
  EXPECT_THAT(ErrorOf("\n"), HasSubstr("line 1: it takes two intents with examples"));
}

// A file with an endpoint of these keys.
std::string WithEndpoint(std::string_view keys) {
  return std::string(kWhole) +
         "\n[[endpoint]]\nname = \"far\"\nurl = \"https://far.example/v1\"\n" + std::string(keys);
}

TEST(Intents, AnEndpointMayHavePrices) {
  constexpr std::string_view kPrices =
      "prompt_per_million = 2.5\ncompletion_per_million = 10\ncurrency = \"USD\"\n";
  const auto intents =
      ParseIntents(WithEndpoint(std::string(kPrices) + "cached_per_million = 0"), "intents.toml");
  ASSERT_TRUE(intents) << intents.error().message();
  EXPECT_FALSE(intents->FindEndpoint("big")->prices);
  const auto& prices = intents->FindEndpoint("far")->prices;
  ASSERT_TRUE(prices);
  EXPECT_EQ(prices->prompt, 2.5);
  EXPECT_EQ(prices->cached, 0);
  EXPECT_EQ(prices->completion, 10);
  EXPECT_EQ(prices->currency, "USD");
  const auto alike = ParseIntents(WithEndpoint(kPrices), "intents.toml");
  ASSERT_TRUE(alike);
  EXPECT_EQ(alike->FindEndpoint("far")->prices.value_or(EndpointPrices{}).cached, 2.5);
  for (const char* const part : {"currency = \"USD\"", "prompt_per_million = 1",
                                 "cached_per_million = 1\ncompletion_per_million = 1"}) {
    EXPECT_THAT(ErrorOf(WithEndpoint(part)), HasSubstr("prices are prompt_per_million, comp"));
  }
  EXPECT_THAT(ErrorOf(WithEndpoint("prompt_per_million = -1")),
              HasSubstr("prompt_per_million must be a number from 0"));
}

TEST(IntentLines, AreRefusedWithTheirLine) {
  const auto error = [](std::string_view text) { return ParseIntentLines(text).error().message(); };
  EXPECT_THAT(error("{\"text\": \"a\", \"intent\": 1}"), StartsWith("line 1: \"intent\" must be"));
  EXPECT_THAT(error("\n{\"text\": \"a\"}"), StartsWith("line 2: \"intent\" is missing"));
  EXPECT_THAT(error("{\"text\": \"\", \"intent\": null}"), StartsWith("line 1: \"text\" is empty"));
  EXPECT_THAT(error("{\"text\": \"a\", \"intent\": null, \"x\": 1}"),
              StartsWith("line 1: there is no member \"x\""));
  EXPECT_THAT(error("[]"), StartsWith("line 1: \"text\" must be a string"));
}

TEST(IntentLines, AreHeldOutEvenly) {
  std::vector<IntentLine> lines;
  for (int i = 0; i < 30; ++i) lines.push_back({std::to_string(i), i < 10 ? "few" : "many"});
  for (int i = 30; i < 36; ++i) lines.push_back({std::to_string(i), std::nullopt});
  const auto [rest, held] = HoldOutAFifth(lines, 1);
  const auto count = [](const std::vector<IntentLine>& some,
                        const std::optional<std::string>& intent) {
    return std::ranges::count(some, intent, &IntentLine::intent);
  };
  EXPECT_EQ(count(held, "few"), 2);
  EXPECT_EQ(count(held, "many"), 4);
  EXPECT_EQ(count(held, std::nullopt), 1);
  EXPECT_EQ(rest.size() + held.size(), lines.size());
  for (const IntentLine& line : held)
    EXPECT_EQ(std::ranges::count(rest, line.text, &IntentLine::text), 0);
}

TEST(IntentLines, AreDrawnEvenlyAndBySeed) {
  std::vector<IntentLine> lines;
  for (int i = 0; i < 20; ++i) lines.push_back({std::to_string(i), i % 2 == 0 ? "even" : "odd"});
  lines.push_back({"none", std::nullopt});
  const auto drawn = DrawExamples(lines, 3, 1);
  EXPECT_EQ(drawn.size(), 7U);
  EXPECT_EQ(std::ranges::count(drawn, std::optional<std::string>("odd"), &IntentLine::intent), 3);
  const auto texts = [](const std::vector<IntentLine>& some) {
    std::vector<std::string> out;
    for (const IntentLine& line : some) out.push_back(line.text);
    return out;
  };
  EXPECT_EQ(texts(drawn), texts(DrawExamples(lines, 3, 1)));
  EXPECT_NE(texts(drawn), texts(DrawExamples(lines, 3, 2)));
}

}  // namespace
}  // namespace kinglet
